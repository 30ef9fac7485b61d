# SPDX-License-Identifier: MIT
# swapify-policy. `make` builds into $(B), nothing outside it is touched before `make install`.

VERSION := 0.1
B ?= build
prefix ?= /usr/local
bindir ?= $(prefix)/bin
sbindir ?= $(prefix)/sbin
mandir ?= $(prefix)/share/man
sysconfdir ?= $(if $(filter /usr /usr/local,$(prefix)),/etc,$(prefix)/etc)
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
unitdir ?= $(if $(filter /usr,$(prefix)),/lib/systemd/system,$(if $(filter /usr/local,$(prefix)),/etc/systemd/system,$(prefix)/lib/systemd/system))
completiondir ?= $(prefix)/share/bash-completion/completions
# What ld.so puts for $$LIB: where libraries of this kind of machine lie under the prefix
SHIM_LIB ?= lib$(addprefix /,$(shell $(CC) -print-multiarch 2>/dev/null))
DESTDIR ?=
INSTALL ?= install
# V=1 shows the commands
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $@)

# What a build and a test run need, as named in Debian 12 and 13
BUILD_PACKAGES := gcc libc6-dev make pkg-config libiniparser-dev libcap-ng-dev libseccomp-dev libjson-c-dev libblkid-dev
TEST_PACKAGES := check libproc2-dev clang libclang-rt-14-dev,libclang-rt-19-dev mandoc man-db groff python3 systemd \
	systemd-container mmdebstrap util-linux procps e2fsprogs xfsprogs btrfs-progs kmod busybox strace gdb \
	git nodejs default-jre-headless redis-tools,valkey-tools gcc-multilib libc6-dev-arm64-cross lld
DEB_PACKAGES := dpkg-dev debhelper systemd-dev,systemd lintian check libproc2-dev
LINT_PACKAGES := clang-format clang-tidy cppcheck shellcheck

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wvla -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wimplicit-fallthrough $(if $(WERROR),-Werror)
HARDENING := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer,\
	$(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)) -fstack-protector-strong -fPIE
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(sysconfdir)"' -Isrc \
	$(WARNINGS) $(HARDENING) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

objects = $(patsubst src/%.c,$(B)/obj/%.o,$(foreach dir,$(1),$(wildcard src/$(dir)/*.c)))

PROGRAMS := $(B)/swapify-policy
PROGRAMS += $(B)/swapify $(B)/libswapify.so
PROGRAMS += $(B)/swap
PROGRAMS += $(B)/memadvise
PROGRAMS += $(B)/swapctl

.PHONY: all shim32 shim-aarch64 deps deps-test run demo deb check check-unit check-sanitized check-static check-fuzz fuzz check-system \
	check-vm bench lint format install uninstall clean
.SECONDARY:

all: $(PROGRAMS)

# What only one program needs stays out of the others, and so do its libraries
SWAPCTL_SYS := $(patsubst %,$(B)/obj/sys/%.o,blkprobe loopdev overcommit)

$(B)/swapify-policy: $(filter-out $(SWAPCTL_SYS),$(call objects,base policy config sys backend daemon))
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -liniparser -lcap-ng -lseccomp

$(B)/swapify: $(patsubst %,$(B)/obj/%.o,base/num base/text cli/elfkind cli/owndir cli/preload \
		cli/swapify cli/target backend/imageclean backend/imagefile sys/dirnames sys/procfs sys/proclist sys/procstat)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(B)/swap: $(patsubst %,$(B)/obj/%.o,$(patsubst src/%.c,%,$(wildcard src/cli/swap.c src/cli/swap_*.c)) cli/object \
		$(addprefix base/,num text) $(addprefix backend/,imageclean imagefile revive wiretext) \
		$(addprefix sys/,clock dirnames machregs meminfo pidpin procfs proclist procstat tracee unixsock))
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljson-c

$(B)/memadvise: $(patsubst %,$(B)/obj/%.o,$(patsubst src/%.c,%,$(wildcard src/cli/memadvise*.c)) cli/object base/num base/text \
		$(addprefix sys/,clock lines meminfo pagemap pidpin privs procfs proclist procmadv procstat regions smaps) \
		backend/advise)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljson-c -lcap-ng

$(B)/swapctl: $(call objects,base) $(SWAPCTL_SYS) $(patsubst %,$(B)/obj/sys/%.o,dirnames extents fstab fstype \
		meminfo mountinfo procfs resume resumefile swapfile swapheader swaps sysblock) \
		$(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/cli/swapctl*.c))
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lblkid -ljson-c

# The shim: no stack protector, for its stacks know no TLS, and nothing that makes it call libc
SHIM_FLAGS = -std=gnu17 -D_GNU_SOURCE -iquote src $(WARNINGS) $(CPPFLAGS) $(filter-out -fsanitize%,$(CFLAGS)) -fPIC \
	-fvisibility=hidden -fno-stack-protector -fcf-protection=none -ffreestanding -U_FORTIFY_SOURCE \
	$(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
SHIM_LDFLAGS = -shared -Wl,-soname,libswapify.so -Wl,-Bsymbolic -Wl,-z,nodelete,-z,relro,-z,now,-z,noexecstack
SHIM_SOURCES := $(wildcard src/shim/*.c)

.PHONY: shim install-shim
shim: $(B)/libswapify.so

$(B)/shim/%.o: src/shim/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(SHIM_FLAGS) -MMD -MP -c -o $@ $<
$(B)/libswapify.so: $(SHIM_SOURCES:src/%.c=$(B)/%.o)
	$(call say,LD)
	$(Q)$(CC) $(SHIM_LDFLAGS) -o $@ $^

# For 32-bit programs, where the compiler has what it takes (gcc-multilib)
SHIM32_LIB := lib/i386-linux-gnu
$(B)/shim32/%.o: src/shim/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -m32 $(SHIM_FLAGS) -MMD -MP -c -o $@ $<
$(B)/$(SHIM32_LIB)/libswapify.so: $(SHIM_SOURCES:src/shim/%.c=$(B)/shim32/%.o)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -m32 $(SHIM_LDFLAGS) -o $@ $^
ifneq ($(SHIM_LIB),$(SHIM32_LIB))
# Beside it ours, so that $$LIB finds one or the other
$(B)/$(SHIM_LIB)/libswapify.so: $(B)/libswapify.so
	@mkdir -p $(@D)
	$(Q)ln -sf $(abspath $<) $@
endif
# libc6-i386 of an amd64 system looks elsewhere than libc6 of i386
$(B)/lib32/libswapify.so: $(B)/$(SHIM32_LIB)/libswapify.so
	@mkdir -p $(@D)
	$(Q)ln -sf $(abspath $<) $@
shim32: $(B)/$(SHIM32_LIB)/libswapify.so $(B)/lib32/libswapify.so $(B)/$(SHIM_LIB)/libswapify.so

# For 64-bit ARM, by clang, which needs no other compiler beside gcc-multilib (the two conflict in
# Debian): libc6-dev-arm64-cross and lld are all
$(B)/shim-aarch64/%.o: src/shim/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)clang --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include $(filter-out \
		-fno-tree-loop-distribute-patterns -fcf-protection=none,$(SHIM_FLAGS)) -MMD -MP -c -o $@ $<
$(B)/lib/aarch64-linux-gnu/libswapify.so: $(SHIM_SOURCES:src/shim/%.c=$(B)/shim-aarch64/%.o)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)clang --target=aarch64-linux-gnu -fuse-ld=lld -nostdlib $(SHIM_LDFLAGS) -L/usr/aarch64-linux-gnu/lib -o $@ $^ \
		-l:libc.so.6 -l:libc_nonshared.a
shim-aarch64: $(B)/lib/aarch64-linux-gnu/libswapify.so

# The only object that knows where things are installed
$(B)/obj/cli/preload.o: private ALL_CFLAGS += -DPREFIX='"$(prefix)"' -DSHIM_LIB='"$(SHIM_LIB)"'
$(B)/obj/cli/preload.o: $(B)/prefix
$(B)/prefix: FORCE
	@mkdir -p $(B)
	@echo '$(prefix) $(SHIM_LIB)' | cmp -s - $@ || echo '$(prefix) $(SHIM_LIB)' > $@

$(B)/obj/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Changes when compiler or flags do, so that objects are made anew
$(B)/flags: FORCE
	@mkdir -p $(B)
	@echo '$(CC) $(subst ','\'',$(ALL_CFLAGS)) $(ALL_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(subst ','\'',$(ALL_CFLAGS)) $(ALL_LDFLAGS)' > $@
# (phony, or .SECONDARY would have it pass for made)
.PHONY: FORCE
FORCE:

# -- tests --------------------------------------------------------------------------------------
include tests/unit/tests.mk

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c)) \
	$(patsubst tests/sim/%.c,%,$(wildcard tests/sim/sim_*.c))

$(B)/tests/test_%.o: tests/unit/test_%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -Wno-missing-prototypes -MMD -MP -c -o $@ $<
$(B)/tests/sim_%.o: tests/sim/sim_%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -Wno-missing-prototypes -MMD -MP -c -o $@ $<

# A unit test names every object it links: growth means a leak between the rooms
define unit_test
$(B)/tests/$(1): $(B)/tests/$(1).o $(patsubst %,$(B)/obj/%.o,$($(1)_OBJS))
	$$(call say,LD)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$($(1)_LIBS) -lcheck -lsubunit -lm -lrt -lpthread
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call unit_test,$(test))))

-include $(shell find $(B) -name '*.d' 2>/dev/null)

check-unit: deps-test
	@$(MAKE) --no-print-directory B=$(B) run-unit

# Without installing anything: a package's build calls this
.PHONY: run-unit
run-unit: $(UNIT_TESTS:%=$(B)/tests/%)
	@tests/run-unit.sh $(B)/tests $(UNIT_TESTS)

check-sanitized: deps-test
	@$(MAKE) --no-print-directory B=$(B)/sanitized SANITIZE=address,undefined check-unit

# What can be seen without running anything
check-static: all deps-test
	@tests/check-layers.sh
	@tests/check-docs.sh $(B)/swapify-policy $(B)/swapify $(B)/swap $(B)/memadvise $(B)/swapctl
	@tests/check-man.sh
	@tests/check-unit-file.sh
	@$(MAKE) --no-print-directory -s B=$(B)/werror WERROR=1 shim32 shim-aarch64 && echo "shim: builds for i386 and aarch64"
	@$(MAKE) --no-print-directory -s B=$(B)/clang CC=clang WERROR=1 V=1 all
	@echo "clang: no warnings"

check-fuzz: deps-test
	@tests/fuzz/run.sh $(B)/fuzz corpus

# Looks for more, and keeps the inputs that reach something new
FUZZ_SECONDS ?= 60
fuzz: deps-test
	@tests/fuzz/run.sh $(B)/fuzz fuzz $(FUZZ_SECONDS)

SYSTEM_TOOLS := $(addprefix $(B)/tools/,holder crowd mapper churn trap victim without checker awkward shimcall \
	areas waiter lives oldshim deputy caller biglib.so)

check-system: all deps-test $(SYSTEM_TOOLS)
	@tests/build-deb.sh $(B)/deb >/dev/null || : # here, for its time isn't that of the test that needs it
	@tests/system/run.sh $(B)

$(B)/tools/%.so: tests/tools/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

$(B)/bench/engine: tests/bench/engine.c $(patsubst %,$(B)/obj/%.o,backend/advise sys/pagemap sys/procmadv \
		sys/regions sys/lines sys/procfs sys/pidpin sys/clock base/num) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests $(ALL_LDFLAGS) -o $@ $(filter %.c %.o,$^)
$(B)/bench/memadvise: tests/bench/memadvise.c $(patsubst %,$(B)/obj/%.o,sys/procmadv sys/pidpin sys/clock) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests $(ALL_LDFLAGS) -o $@ $(filter %.c %.o,$^)
$(B)/bench/engine $(B)/bench/memadvise: tests/bench/child.h

$(B)/bench/%: tests/bench/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

$(B)/tools/%: tests/tools/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

check: all deps-test $(SYSTEM_TOOLS)
	@tests/run.sh $(B) check-static check-unit check-sanitized check-fuzz -- check-system

# What it does for a small machine, beside others that look after memory; takes about twenty minutes
check-vm: all deps-test $(B)/tools/holder $(B)/tools/steps
	@tests/vm/run.sh $(B)

run: all
	$(B)/swapify-policy --once -n -v

demo: deps
	@$(MAKE) --no-print-directory all $(B)/tools/holder
	@tests/demo.sh $(B)

bench: all deps-test $(B)/tools/holder $(B)/tools/crowd $(addprefix $(B)/tools/,heapcount.so caller biglib.so) $(addprefix $(B)/bench/,engine memadvise rawio half exec)
	@tests/bench/run.sh $(B)

# -- dependencies -------------------------------------------------------------------------------
deps:
	@tests/install-packages.sh $(BUILD_PACKAGES)
deps-test: deps
	@tests/install-packages.sh $(TEST_PACKAGES) $(DEB_PACKAGES)

# -- style --------------------------------------------------------------------------------------
SOURCES = $(wildcard src/*/*.[ch] tests/*/*.[ch])

.PHONY: deps-lint
deps-lint:
	@tests/install-packages.sh $(LINT_PACKAGES) $(BUILD_PACKAGES) $(TEST_PACKAGES)

lint: deps-lint
	clang-format --dry-run -Werror $(SOURCES)
	@mkdir -p $(B)
	@echo "clang-tidy"; clang-tidy --quiet --warnings-as-errors='*' $(wildcard src/*/*.c) -- -std=gnu17 \
		-D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"/etc"' -Isrc > $(B)/tidy.log 2>&1 || \
		{ cat $(B)/tidy.log; exit 1; }
	cppcheck --quiet --error-exitcode=1 --inline-suppr --suppress=varFuncNullUB --enable=warning,portability,performance \
		--std=c11 -D__x86_64__ -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"/etc"' -Isrc src
	shellcheck $(wildcard tests/*.sh tests/*/*.sh etc/completion/* .ci/run debian/*.prerm debian/*.postrm debian/tests/*[!l])

format:
	clang-format -i $(SOURCES)

# -- installation -------------------------------------------------------------------------------
install-shim: shim
	$(INSTALL) -D -m 644 $(B)/libswapify.so '$(DESTDIR)$(prefix)/$(SHIM_LIB)/libswapify.so'

install: all install-shim
	$(INSTALL) -d '$(DESTDIR)$(sbindir)' '$(DESTDIR)$(sysconfdir)' '$(DESTDIR)$(unitdir)' \
		'$(DESTDIR)$(mandir)/man5' '$(DESTDIR)$(mandir)/man8'
	$(INSTALL) -m 755 $(B)/swapify-policy '$(DESTDIR)$(sbindir)/swapify-policy'
	$(INSTALL) -m 644 man/swapify-policy.8 '$(DESTDIR)$(mandir)/man8/swapify-policy.8'
	$(INSTALL) -m 644 man/swapify-policy.conf.5 '$(DESTDIR)$(mandir)/man5/swapify-policy.conf.5'
	sed 's|@sbindir@|$(sbindir)|' etc/swapify-policy.service > $(B)/swapify-policy.service
	$(INSTALL) -D -m 644 etc/swapify.tmpfiles '$(DESTDIR)$(tmpfilesdir)/swapify.conf'
	$(INSTALL) -m 644 etc/swapify-policy.tmpfiles '$(DESTDIR)$(tmpfilesdir)/swapify-policy.conf'
	$(INSTALL) -m 644 $(B)/swapify-policy.service '$(DESTDIR)$(unitdir)/swapify-policy.service'
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(completiondir)' '$(DESTDIR)$(mandir)/man1'
	$(INSTALL) -m 755 $(B)/swapify '$(DESTDIR)$(bindir)/swapify'
	@[ ! -e $(B)/$(SHIM32_LIB)/libswapify.so ] || for lib in $(SHIM32_LIB) lib32; do $(INSTALL) -D -m 644 \
		$(B)/$(SHIM32_LIB)/libswapify.so "$(DESTDIR)$(prefix)/$$lib/libswapify.so" || exit 1; done
	$(INSTALL) -D -m 644 man/swapify.7 '$(DESTDIR)$(mandir)/man7/swapify.7'
	$(INSTALL) -m 644 man/swapify.1 '$(DESTDIR)$(mandir)/man1/swapify.1'
	$(INSTALL) -m 644 etc/completion/swapify '$(DESTDIR)$(completiondir)/swapify'
	$(INSTALL) -m 755 $(B)/swap '$(DESTDIR)$(bindir)/swap'
	$(INSTALL) -m 644 man/swap.1 '$(DESTDIR)$(mandir)/man1/swap.1'
	$(INSTALL) -m 644 etc/completion/swap '$(DESTDIR)$(completiondir)/swap'
	$(INSTALL) -m 755 $(B)/memadvise '$(DESTDIR)$(bindir)/memadvise'
	$(INSTALL) -m 644 man/memadvise.1 '$(DESTDIR)$(mandir)/man1/memadvise.1'
	$(INSTALL) -m 644 etc/completion/memadvise '$(DESTDIR)$(completiondir)/memadvise'
	$(INSTALL) -m 755 $(B)/swapctl '$(DESTDIR)$(sbindir)/swapctl'
	$(INSTALL) -m 644 man/swapctl.8 '$(DESTDIR)$(mandir)/man8/swapctl.8'
	$(INSTALL) -m 644 etc/completion/swapctl '$(DESTDIR)$(completiondir)/swapctl'
	@conf='$(DESTDIR)$(sysconfdir)/swapify-policy.conf'; \
	if [ ! -e "$$conf" ]; then $(INSTALL) -m 644 etc/swapify-policy.conf "$$conf"; \
	elif ! cmp -s etc/swapify-policy.conf "$$conf"; then \
		$(INSTALL) -m 644 etc/swapify-policy.conf "$$conf.new"; \
		echo "kept $$conf, which differs; the new defaults are in $$conf.new"; fi
	@[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || { systemctl daemon-reload && \
		systemd-tmpfiles --create '$(tmpfilesdir)/swapify.conf' '$(tmpfilesdir)/swapify-policy.conf'; }

# What is brought back and given up is so where the configuration is at fault (2), too
without_daemon = [ -n '$(DESTDIR)' ] || [ ! -x '$(sbindir)/swapify-policy' ] || { '$(sbindir)/swapify-policy' $(1); \
	[ $$? != 2 ] || '$(sbindir)/swapify-policy' $(1) -c /dev/null; } || true

# The configuration stays where it was changed
uninstall:
	@[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || \
		systemctl disable --now swapify-policy 2>/dev/null || true
	@$(call without_daemon,--thaw)
	@$(call without_daemon,--erase)
	rm -f '$(DESTDIR)$(tmpfilesdir)/swapify.conf' '$(DESTDIR)$(tmpfilesdir)/swapify-policy.conf'
	rm -f '$(DESTDIR)$(sbindir)/swapify-policy' '$(DESTDIR)$(unitdir)/swapify-policy.service' \
		'$(DESTDIR)$(mandir)/man8/swapify-policy.8' '$(DESTDIR)$(mandir)/man5/swapify-policy.conf.5' \
		'$(DESTDIR)$(sysconfdir)/swapify-policy.conf.new'
	rm -f '$(DESTDIR)$(mandir)/man7/swapify.7' '$(DESTDIR)$(prefix)/lib32/libswapify.so'
	rm -f '$(DESTDIR)$(prefix)/$(SHIM_LIB)/libswapify.so' '$(DESTDIR)$(prefix)/$(SHIM32_LIB)/libswapify.so'
	rm -f '$(DESTDIR)$(bindir)/swapify' '$(DESTDIR)$(mandir)/man1/swapify.1' '$(DESTDIR)$(completiondir)/swapify'
	rm -f '$(DESTDIR)$(bindir)/swap' '$(DESTDIR)$(mandir)/man1/swap.1' '$(DESTDIR)$(completiondir)/swap'
	rm -f '$(DESTDIR)$(bindir)/memadvise' '$(DESTDIR)$(mandir)/man1/memadvise.1' \
		'$(DESTDIR)$(completiondir)/memadvise'
	rm -f '$(DESTDIR)$(sbindir)/swapctl' '$(DESTDIR)$(mandir)/man8/swapctl.8' '$(DESTDIR)$(completiondir)/swapctl'
	@conf='$(DESTDIR)$(sysconfdir)/swapify-policy.conf'; \
	if cmp -s etc/swapify-policy.conf "$$conf"; then rm -f "$$conf"; \
	elif [ -e "$$conf" ]; then echo "kept $$conf, which was changed"; fi
	@[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

# Debian packages, into $(B)/deb
deb:
	@tests/install-packages.sh $(BUILD_PACKAGES) $(DEB_PACKAGES)
	@tests/build-deb.sh $(B)/deb
	@ls $(B)/deb/*.deb

clean:
	rm -rf $(B)
