/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_args.h"

#include "cli/swapctl_say.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum { OPT_JSON = 256, OPT_DISCARD };

static const struct option long_options[] = {
	{"add", no_argument, NULL, 'a'},
	{"delete", no_argument, NULL, 'd'},
	{"list", no_argument, NULL, 'l'},
	{"summary", no_argument, NULL, 's'},
	{"fstab", no_argument, NULL, 'm'},
	{"delete-all", no_argument, NULL, 'u'},
	{"ignore", no_argument, NULL, 'i'},
	{"priority", required_argument, NULL, 'p'},
	{"vlen", required_argument, NULL, 'v'},
	{"discard", optional_argument, NULL, OPT_DISCARD},
	{"numeric", no_argument, NULL, 'n'},
	{"full", no_argument, NULL, 'f'},
	{"blocks", no_argument, NULL, 'b'},
	{"json", no_argument, NULL, OPT_JSON},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

void swapctl_help(FILE *out)
{
	(void)fputs(
		"Usage: swapctl -a [-i] [-p PRI] [-v VLEN] [--discard[=HOW]] NAME [LOW [LEN]]\n"
		"       swapctl -d [-i] NAME|LSWAP [LOW]\n"
		"       swapctl -l [-n] [-f] [-b] [--json]  |  -s [-b] [--json]\n"
		"       swapctl -m [-i]  |  -u [-i]\n"
		"  -a, --add            swap to a device or file; a new file is made\n"
		"  -d, --delete         read back what is in an area, and stop using it\n"
		"  -l, --list           list the areas: LSWAP is the number in the first column\n"
		"  -s, --summary        sum up swap space, used and available\n"
		"  -m, --fstab          add all swap entries of /etc/fstab but those with noauto\n"
		"  -u, --delete-all     delete all but what boot and hibernation need\n"
		"  -i, --ignore         go on although data would be lost or memory might not do\n"
		"  -p, --priority PRI   0 to 32767; areas with a higher one are filled first\n"
		"  -v, --vlen VLEN      let as much be promised as if the area had this size\n"
		"      --discard[=HOW]  tell the device what isn't needed: all, once or pages\n"
		"  -n, --numeric        name devices as the kernel does, look nothing up\n"
		"  -f, --full           more columns\n"
		"  -b, --blocks         sizes in 512-byte blocks, as where there is no terminal\n"
		"      --json           for programs; sizes in bytes\n"
		"  -V, --version        print the version, exit\n"
		"  -h, --help           print this, exit\n"
		"LOW, LEN, VLEN count 512-byte blocks, or bytes with K, M, G, T behind them.\n"
		"Exit status: 0 fine, 1 failed, 2 usage.\n",
		out);
}

static int take_mode(struct swapctl_args *args, enum swapctl_mode mode)
{
	if (args->mode != SWAPCTL_NONE && args->mode != mode) {
		complain("only one of -a, -d, -l, -s, -m, -u at a time; see --help");
		return -EINVAL;
	}
	args->mode = mode;
	return 0;
}

static int take_option(int option, struct swapctl_args *args)
{
	switch (option) {
	case 'a': return take_mode(args, SWAPCTL_ADD);
	case 'd': return take_mode(args, SWAPCTL_DELETE);
	case 'l': return take_mode(args, SWAPCTL_LIST);
	case 's': return take_mode(args, SWAPCTL_SUMMARY);
	case 'm': return take_mode(args, SWAPCTL_FSTAB);
	case 'u': return take_mode(args, SWAPCTL_DELETE_ALL);
	case 'h': args->mode = SWAPCTL_HELP; return 1;
	case 'V': args->mode = SWAPCTL_VERSION; return 1;
	case 'i': args->force = true; return 0;
	case 'p': args->priority = optarg; return 0;
	case 'v': args->vlen = optarg; return 0;
	case OPT_DISCARD: args->discard = optarg ? optarg : ""; return 0;
	case 'n': args->numeric = true; return 0;
	case 'f': args->full = true; return 0;
	case 'b': args->blocks = true; return 0;
	case OPT_JSON: args->json = true; return 0;
	default: return -EINVAL; /* getopt has said why */
	}
}

/* Which options go with a mode; anything else would be ignored, which nobody wants. */
static const char *misplaced(const struct swapctl_args *args)
{
	bool add = args->mode == SWAPCTL_ADD, list = args->mode == SWAPCTL_LIST;
	bool show = list || args->mode == SWAPCTL_SUMMARY;

	if (!add && args->priority)
		return "-p goes with -a";
	if (!add && args->vlen)
		return "-v goes with -a";
	if (!add && args->discard)
		return "--discard goes with -a";
	if (!list && args->numeric)
		return "-n goes with -l";
	if (!list && args->full)
		return "-f goes with -l";
	if (!show && args->blocks)
		return "-b goes with -l and -s";
	if (!show && args->json)
		return "--json goes with -l and -s";
	if (args->blocks && args->json)
		return "--json counts bytes, without -b";
	if (show && args->force)
		return "-i goes with -a, -d, -m and -u";
	return NULL;
}

static int take_amount(const char *what, const char *text, bool *has, uint64_t *bytes)
{
	if (wish_amount(text, bytes) < 0) {
		complain("%s '%s' is no number of 512-byte blocks, nor one of bytes such as 50M",
			 what, text);
		return -EINVAL;
	}
	*has = true;
	return 0;
}

static int take_values(struct swapctl_args *args)
{
	struct wish *wish = &args->wish;

	wish->force = args->force;
	wish->has_discard = args->discard != NULL;
	if (args->discard && strcmp(args->discard, "all") != 0 &&
	    wish_discard(args->discard, &wish->discard) < 0) {
		complain("--discard=%s: it is all, once or pages", args->discard);
		return -EINVAL;
	}
	if (args->discard && strcmp(args->discard, "all") == 0)
		wish->discard = SWAP_DISCARD_ALL;
	if (args->priority && wish_priority(args->priority, &wish->priority) < 0) {
		complain("priority '%s' is none: 0 to 32767, higher ones first", args->priority);
		return -EINVAL;
	}
	return args->vlen ? take_amount("VLEN", args->vlen, &wish->has_vlen, &wish->vlen_bytes) : 0;
}

static int take_operands(struct swapctl_args *args, int n, char **operands)
{
	struct wish *wish = &args->wish;
	bool add = args->mode == SWAPCTL_ADD;
	int max = 0, r = 0;

	if (add || args->mode == SWAPCTL_DELETE)
		max = add ? 3 : 2;
	if (n > max) {
		complain("'%s' is one operand too many; see --help", operands[max]);
		return -EINVAL;
	}
	if (max > 0 && n == 0) {
		complain("%s; see --help", add ? "-a needs the NAME of a device or file"
					       : "-d needs a NAME, or the number that -l shows");
		return -EINVAL;
	}
	if (n > 0)
		wish->name = operands[0];
	if (n > 1)
		r = take_amount("LOW", operands[1], &wish->has_low, &wish->low_bytes);
	if (r == 0 && n > 2)
		r = take_amount("LEN", operands[2], &wish->has_len, &wish->len_bytes);
	return r;
}

int swapctl_args_parse(int argc, char **argv, struct swapctl_args *ret)
{
	const char *wrong;
	int option, r = 0;

	*ret = (struct swapctl_args){.wish = {.priority = SWAP_PRIORITY_NONE}};
	while (r == 0 &&
	       (option = getopt_long(argc, argv, "adlsmuip:v:nfbVh", long_options, NULL)) != -1)
		r = take_option(option, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	if (ret->mode == SWAPCTL_NONE) {
		complain("say what to do: -a, -d, -l, -s, -m or -u; see --help");
		return -EINVAL;
	}
	wrong = misplaced(ret);
	if (wrong) {
		complain("%s; see --help", wrong);
		return -EINVAL;
	}
	r = take_values(ret);
	return r < 0 ? r : take_operands(ret, argc - optind, argv + optind);
}
