#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""prelock.py BUILD WORK [CROWD]: what [prelock] locks and costs.

Side by side with the way of prelockd, which locks every file of the set whole, and with nothing: how
many bytes are locked, and what 1,000 calls into a large library take after the control group was
squeezed, in time and in waits for the disk. Then the CPU time of a scan among CROWD (2,000)
processes, and what the daemon grows by for each of 3,000 locked files. The files lie in a file
system of their own, which reads 128 KiB ahead. Needs root; prints rows."""
import ctypes
import mmap
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

build, work = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
crowd_n = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
FILES, CALLS, ROUNDS = 3000, 1000, 5
CLONE_NEWNS, MS_REC_PRIVATE = 0x20000, 0x44000
base = f"{work}/prelock"
place = f"{base}/fs"
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
children = []


def sh(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def row(what, *values):
    print("%-46s %14s %14s %14s  %s" % ((what,) + tuple(values)), flush=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# -- the set: a program with a large library, and three of every machine, each beside its libraries -----
PROGRAMS = {
    "python3": ["-c", "import json, sys\nfor line in sys.stdin:\n json.loads(json.dumps(list(range(999))))\n print(1, flush=True)"],
    "bash": ["-c", "while read -r line; do printf '%s\\n' \"${line//l/x}\" | { read -r x; echo $x; }; done"],
    "perl": ["-e", "$| = 1; while (<STDIN>) { s/l/x/g; print sort split //; print \"\\n\"; }"],
}


def make_files():
    os.makedirs(place)
    with open(f"{base}/image", "wb") as image:
        image.truncate(300 << 20)
    sh("mkfs.ext4", "-q", "-b", "4096", f"{base}/image")
    sh("mount", "-o", "loop", f"{base}/image", place)
    sh("blockdev", "--setra", "256", sh("findmnt", "-n", "-o", "SOURCE", place))
    for name in ("caller", "biglib.so"):
        shutil.copy(f"{build}/tools/{name}", f"{place}/{name}")
    for name in PROGRAMS:
        program = os.path.realpath(shutil.which(name))
        shutil.copy(program, f"{place}/{name}")
        for library in re.findall(r"=> (/\S+)", sh("ldd", program)):
            shutil.copy(library, place)
    os.mkdir(f"{place}/many")
    for i in range(FILES):
        with open(f"{place}/many/{i}", "w", encoding="ascii") as file:
            file.write("x" * 4096)
    sh("sync", "-f", place)


def forget():
    """Nobody uses them now: the kernel drops all of it"""
    sh("umount", place)
    sh("mount", "-o", "loop", f"{base}/image", place)
    sh("blockdev", "--setra", "256", sh("findmnt", "-n", "-o", "SOURCE", place))


# -- pressure: a control group that gives up what it can ---------------------------------------------------
root = "/sys/fs/cgroup/memory" if os.path.isdir("/sys/fs/cgroup/memory") else "/sys/fs/cgroup"
group = f"{root}/swapify-bench-{os.getpid()}"
reclaim = f"{group}/memory.force_empty" if root.endswith("memory") else f"{group}/memory.reclaim"


def squeeze():
    for _ in range(10):
        try:
            with open(reclaim, "w", encoding="ascii") as file:
                file.write("512M")
        except OSError:
            pass  # it has taken what it could


def start(command, as_ready=True):
    def enter():
        with open(f"{group}/cgroup.procs", "w", encoding="ascii") as procs:
            procs.write(str(os.getpid()))

    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=enter,
                             env={"LD_LIBRARY_PATH": place, "LC_ALL": "C", "PATH": os.environ["PATH"]})
    children.append(child)
    if as_ready and child.stdout.readline() != "ready\n":
        sys.exit(f"{command[0]} did not start")
    return child


def end(*which):
    for child in which:
        child.kill()
        child.wait()
        children.remove(child)


def ask(child, question):
    child.stdin.write(question + "\n")
    child.stdin.flush()
    return child.stdout.readline().split()


def faults_of(child):
    return int(read(f"/proc/{child.pid}/stat").rsplit(")", 1)[1].split()[9])


class Set:
    """The programs, running, having used of their files what they use"""

    def __init__(self):
        forget()
        self.caller = start([f"{place}/caller", f"{place}/biglib.so"])
        self.others = [start([f"{place}/{name}"] + how, False) for name, how in PROGRAMS.items()]
        self.work()

    def work(self):
        """Waits for the disk of all, and the microseconds of 1,000 calls"""
        before = sum(faults_of(child) for child in self.others)
        answer = ask(self.caller, f"call 0 {CALLS}")
        for child in self.others:
            ask(child, "hello all")
        return int(answer[1]) + sum(faults_of(child) for child in self.others) - before, int(answer[2])

    def files(self):
        paths = set()
        for child in [self.caller] + self.others:
            paths |= set(re.findall(r" r.xp .*?(%s/\S+)" % place, read(f"/proc/{child.pid}/maps")))
        return sorted(paths)

    def end(self):
        end(self.caller, *self.others)


# -- the daemon -----------------------------------------------------------------------------------------------
class Daemon:
    def __init__(self, *options):
        self.log = f"{base}/log"
        with open(self.log, "w", encoding="ascii") as log:
            self.child = subprocess.Popen(
                [f"{build}/swapify-policy", "-v", "-c", "/dev/null", f"--daemon.lockfile={base}/lock",
                 "--daemon.interval=100ms", "--prelock.enabled=yes", "--prelock.interval=500ms"] + list(options),
                stderr=log)
        children.append(self.child)

    def scans(self):
        return re.findall(r"locked files=(\d+) .* critical=(\d+) processes=(\d+) .* cpu=(\d+)us", read(self.log))

    def await_scans(self, n, files=0):
        deadline = time.monotonic() + 60
        while len([scan for scan in self.scans() if int(scan[0]) >= files]) < n:
            if self.child.poll() is not None or time.monotonic() > deadline:
                sys.exit("the daemon does not scan:\n" + read(self.log)[-2000:])
            time.sleep(0.05)

    def mapped_kib(self):
        """Of the set, what is in memory by its lock"""
        kib, ours = 0, False
        for line in read(f"/proc/{self.child.pid}/smaps").splitlines():
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                ours = f" {place}/" in line
            elif ours and line.startswith("Rss:"):
                kib += int(line.split()[1])
        return kib

    def anonymous_kib(self):
        return int(re.search(r"^RssAnon:\s+(\d+)", read(f"/proc/{self.child.pid}/status"), re.M).group(1))

    def end(self):
        self.child.terminate()
        self.child.wait()
        children.remove(self.child)


def whole_files(paths):
    """Locks each from its first to its last byte; the maps, to be let go, and the bytes"""
    maps, total = [], 0
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        size = -(-os.fstat(fd).st_size // mmap.PAGESIZE) * mmap.PAGESIZE
        address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
        os.close(fd)
        if libc.mlock(address, size) < 0:
            sys.exit("mlock: " + os.strerror(ctypes.get_errno()))
        maps.append((address, size))
        total += size
    return maps, total


def compare():
    kib, results = {}, {"ours": [], "whole": [], "nothing": []}
    for _ in range(ROUNDS):
        programs = Set()
        names = "--prelock.names=caller " + " ".join(PROGRAMS)
        daemon = Daemon(names, f"--prelock.paths={place}")
        daemon.await_scans(2, 4)
        kib["ours"] = daemon.mapped_kib()
        squeeze()
        results["ours"].append(programs.work())
        daemon.end()
        squeeze()
        results["nothing"].append(programs.work())
        maps, size = whole_files(programs.files())
        kib["whole"] = size // 1024
        squeeze()
        results["whole"].append(programs.work())
        for address, length in maps:
            libc.munmap(address, length)
        programs.end()
    ways = ("ours", "whole", "nothing")
    row("", "swapify-policy", "locked whole", "nothing", "reach")
    row("prelock: locked, KiB (ratio %.2f)" % (kib["ours"] / kib["whole"]), kib["ours"], kib["whole"], 0, "<= 0.5")
    row(f"squeezed: waits for the disk, of {ROUNDS} rounds",
        *(statistics.median(faults for faults, _ in results[way]) for way in ways), "as locked whole")
    row(f"squeezed: {CALLS} calls into a library, us", *(statistics.median(us for _, us in results[way]) for way in ways),
        "")


def scan_cost():
    crowd = start([f"{build}/tools/crowd", str(crowd_n)])
    for what, names in ("as installed", []), ("all of them critical", ["--prelock.names=*"]):
        daemon = Daemon(*names)
        daemon.await_scans(8)
        scans = daemon.scans()[1:]
        row(f"a scan, {crowd_n} processes, {what}: CPU us", statistics.median(int(scan[3]) for scan in scans), "-", "-",
            "<= 100000")
        row("  processes, of them critical", scans[-1][2], scans[-1][1], "-", "")
        daemon.end()
    crowd.stdin.close()
    crowd.wait()
    children.remove(crowd)


def memory_cost():
    daemon = Daemon("--prelock.names=caller", f"--prelock.paths={place}/many")
    daemon.await_scans(2)
    before = daemon.anonymous_kib()
    mapper = start([f"{place}/caller", "--map", f"{place}/many", str(FILES)])
    daemon.await_scans(3, FILES)
    row(f"memory for each of {FILES} locked files, bytes", (daemon.anonymous_kib() - before) * 1024 // FILES, "-", "-",
        "<= 300")
    end(mapper)
    daemon.end()


if libc.unshare(CLONE_NEWNS) < 0 or libc.mount(None, b"/", None, MS_REC_PRIVATE, None) < 0:
    sys.exit("prelock.py: " + os.strerror(ctypes.get_errno()))
os.makedirs(base)
os.mkdir(group)
try:
    if not os.path.exists(reclaim):
        sys.exit("prelock.py: no control groups for memory here")
    # files are what it shall give up, not data
    for knob in "memory.swappiness", "memory.swap.max":
        if os.path.exists(f"{group}/{knob}"):
            with open(f"{group}/{knob}", "w", encoding="ascii") as setting:
                setting.write("0")
    make_files()
    compare()
    scan_cost()
    memory_cost()
finally:
    for left in list(children):
        end(left)
    subprocess.run(["umount", place], check=False)
    os.rmdir(group)
    shutil.rmtree(base, ignore_errors=True)
