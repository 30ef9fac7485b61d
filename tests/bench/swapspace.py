#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""swapspace.py BUILD WORK [ROUNDS]: how soon the daemon has a swap area of 1 GiB ready, beside the same
by hand (fallocate, mkswap, swapon) in the same directory and run; and whether it keeps its pace while
areas come and go.

An area is ready when /proc/swaps has it. By hand the time counts from the start of fallocate, the
daemon's from the look at memory that shows it to be short. Looks are seen by inotify, on the file
that is bound over /proc/meminfo. While it is there a program's memory goes into the area, to be read back when
it is retired. Prints rows: the best and the median of each, beside the best by hand; and by how much
the latest look of all came too late. Nothing of this is timed by the daemon itself."""
import ctypes
import os
import select
import statistics
import subprocess
import sys
import time

INTERVAL_MS, SIZE_MIB, FULL_MIB = 100, 1024, 256
FULL = """import mmap, os, sys
memory = mmap.mmap(-1, int(sys.argv[1]) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block = os.urandom(1 << 20)
for at in range(0, len(memory), len(block)):
    memory[at:at + len(block)] = block
print("ready", flush=True)
for _ in sys.stdin:
    memory.madvise(21)  # MADV_PAGEOUT
    print("out", flush=True)
"""
IN_ACCESS, IN_NONBLOCK = 1, 0o4000
CLONE_NEWNS, MS_REC_PRIVATE, MS_BIND = 0x20000, 0x44000, 0x1000
libc = ctypes.CDLL(None, use_errno=True)


def must(result):
    if result < 0:
        sys.exit("swapspace.py: " + os.strerror(ctypes.get_errno()))
    return result


def write_facts(available_mib, swap_mib):
    """A machine for which the rule says 1 GiB when 100 of 1000 parts are free"""
    total = SIZE_MIB * 7 // 2
    lines = {"MemTotal": total, "MemFree": 1, "MemAvailable": available_mib, "SwapTotal": swap_mib, "SwapFree": swap_mib}
    text = "".join(f"{key + ':':16}{mib * 1024:10} kB\n" for key, mib in lines.items())
    fd = os.open(facts, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)


SHORT, PLENTY, SWAP = (SIZE_MIB * 7 // 2 * 10 // 100, 0), SIZE_MIB * 7 // 2 * 95 // 100, SIZE_MIB


def areas():
    with open("/proc/swaps", encoding="ascii") as swaps:
        return [line.split()[0] for line in swaps.readlines()[1:] if line.startswith(work + "/")]


def used_mib():
    with open("/proc/swaps", encoding="ascii") as swaps:
        return sum(int(line.split()[3]) for line in swaps.readlines()[1:] if line.startswith(work + "/")) // 1024


class Watch:
    """Looks at memory, and changes of swap areas, each with its time"""

    def __init__(self):
        self.inotify = must(libc.inotify_init1(os.O_CLOEXEC | IN_NONBLOCK))
        must(libc.inotify_add_watch(self.inotify, facts.encode(), IN_ACCESS))
        self.swaps = open("/proc/swaps", encoding="ascii")
        self.poll = select.poll()
        self.poll.register(self.inotify, select.POLLIN)
        self.poll.register(self.swaps, select.POLLPRI)
        self.looks = []
        self.outs = 0
        self.full = subprocess.Popen([sys.executable, "-c", FULL, str(FULL_MIB)], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)
        self.full.stdout.readline()
        self.poll.register(self.full.stdout, select.POLLIN)

    def send_out(self):
        outs = self.outs
        self.full.stdin.write(b"out\n")
        self.full.stdin.flush()
        self.wait(lambda: self.outs > outs)

    def wait(self, until, deadline_s=60):
        """Until the condition, which is tried after each event; returns when that was"""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            ready = self.poll.poll(1000)
            now = time.monotonic()
            for fd, _ in ready:
                if fd == self.inotify:
                    os.read(self.inotify, 65536)
                    # a look may take more than one read
                    if not self.looks or now - self.looks[-1] > INTERVAL_MS / 10000:
                        self.looks.append(now)
                elif fd == self.full.stdout.fileno():
                    self.full.stdout.readline()
                    self.outs += 1
                else:
                    self.swaps.seek(0)
                    self.swaps.read()
            if until():
                return now
        sys.exit("swapspace.py: waited in vain:\n" + open(log, encoding="utf-8").read())


def by_hand():
    path = work + "/by-hand"
    start = time.monotonic()
    for command in ["fallocate", "-l", f"{SIZE_MIB}M", path], ["chmod", "600", path], ["mkswap", "-q", path], ["swapon", path]:
        # a shell would have it no cheaper
        subprocess.run(command, check=True)
    took = time.monotonic() - start
    subprocess.run(["swapoff", path], check=True)
    os.unlink(path)
    return took * 1000


def by_daemon(watch):
    """One round: an area comes, and goes again"""
    def looked():
        return len(watch.looks) > seen
    seen = len(watch.looks)
    watch.wait(looked)  # from just behind a look
    write_facts(*SHORT)
    seen = len(watch.looks)
    watch.wait(looked)
    start = watch.looks[seen]
    ready = watch.wait(lambda: len(areas()) == 1)
    watch.send_out()
    used.append(used_mib())
    write_facts(PLENTY, SWAP)
    watch.wait(lambda: not areas())
    watch.wait(lambda: not os.listdir(space))
    write_facts(PLENTY, 0)
    return (ready - start) * 1000


def row(what, *columns):
    print("%-46s %14s %14s %14s  %s" % (what, *columns))


build, work = os.path.abspath(sys.argv[1]), os.path.realpath(sys.argv[2])
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 9
facts, log, space = work + "/meminfo5", work + "/swapspace.log", work + "/space"
os.mkdir(space, 0o700)
open(facts, "w", encoding="ascii").close()
write_facts(PLENTY, 0)
must(libc.unshare(CLONE_NEWNS))
must(libc.mount(None, b"/", None, MS_REC_PRIVATE, None))
must(libc.mount(facts.encode(), b"/proc/meminfo", None, MS_BIND, None))
watch = Watch()
daemon = subprocess.Popen(
    [build + "/swapify-policy", "-c", "/dev/null", f"--daemon.interval={INTERVAL_MS}ms", "--daemon.psi_stall=0",
     f"--daemon.lockfile={work}/lock5", "--memory.cooldown=1s", "--swapspace.enabled=yes", f"--swapspace.swappath={space}",
     "--swapspace.cooldown=1s"], stderr=open(log, "w", encoding="utf-8"))
try:
    watch.wait(lambda: len(watch.looks) >= 3)
    hand, ours, used = [], [], []
    first = len(watch.looks)
    for _ in range(rounds):
        ours.append(by_daemon(watch))
        # looks meanwhile are no looks of a time in which something grows
        cut = len(watch.looks)
        hand.append(by_hand())
        watch.wait(lambda: len(watch.looks) > cut + 1)
        watch.looks[cut:] = [None, watch.looks[-1]]
    late = [(b - a) * 1000 - INTERVAL_MS for a, b in zip(watch.looks[first:], watch.looks[first + 1:]) if a and b]
finally:
    watch.full.kill()
    watch.full.wait()
    daemon.terminate()
    daemon.wait()
    for area in areas():
        subprocess.run(["swapoff", area], check=False)
if daemon.returncode != 0:
    sys.exit("swapspace.py: the daemon failed:\n" + open(log, encoding="utf-8").read())
row("", "swapify-policy", "by hand", "ratio", "reach")
row(f"an area of {SIZE_MIB} MiB ready, ms (best)", "%.1f" % min(ours), "%.1f" % min(hand),
    "%.2f" % (min(ours) / min(hand)), "")
row("the same (median)", "%.1f" % statistics.median(ours), "%.1f" % statistics.median(hand),
    "%.2f" % (statistics.median(ours) / min(hand)), "<= 1.2 of the best by hand")
row(f"latest of {len(late)} looks meanwhile, ms", "%.1f" % max(late), "-", "-",
    f"<= 50 ({statistics.median(used)} MiB read back each time)")
