#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""hostile.py BUILD WORK [TICKS]: whether hostile users keep the daemon from its pace.

How long it is from one look at memory to the next, with nobody attached, and beside 10,000 dead
sockets and 64 programs that are attached and say nothing, which is as many as one user gets. The
looks are seen by inotify, on the file that is bound over /proc/meminfo. The two are watched in
turns; the daemon looks for sockets every second, far more often than it would by default. Prints a
table: the median, the worst of all, and the CPU time that the daemon takes."""
import ctypes
import os
import select
import socket
import statistics
import subprocess
import sys
import time

INTERVAL_MS, ROUNDS = 100, 4
HOSTILE, SILENT, DEAD = 61236, 64, 10000
IN_ACCESS = 1
CLONE_NEWNS, MS_REC_PRIVATE = 0x20000, 0x44000
libc = ctypes.CDLL(None, use_errno=True)


def must(result):
    if result < 0:
        sys.exit("hostile.py: " + os.strerror(ctypes.get_errno()))
    return result


def mount(what, where, kind, flags, options):
    must(libc.mount(what.encode(), where.encode(), kind and kind.encode(), flags, options and options.encode()))


def own_namespace(meminfo):
    """Our own /run and /proc/meminfo, for us and the daemon"""
    must(libc.unshare(CLONE_NEWNS))
    must(libc.mount(None, b"/", None, MS_REC_PRIVATE, None))
    for place in "/run/swapify", "/run/user":
        os.makedirs(place, exist_ok=True)
        mount("none", place, "tmpfs", 0, "mode=755")
    mount(meminfo, "/proc/meminfo", None, 0x1000, None)  # MS_BIND


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    return listener


def silent_one(directory, told):
    """Attached, for it listens itself under its own name. It takes connections and keeps them."""
    os.setgid(HOSTILE)
    os.setuid(HOSTILE)
    os.umask(0)  # as the shim: the daemon has no rights to override that
    listener = listen(f"{directory}/{os.getpid()}.sock")
    os.write(told, b"x")
    kept = []
    while True:
        kept.append(listener.accept())
        os.write(told, b"x")


def crowd():
    directory = f"/run/swapify/{HOSTILE}"
    os.mkdir(directory, 0o700)
    os.chown(directory, HOSTILE, HOSTILE)
    pids = set()
    ready, told = os.pipe()
    for i in range(DEAD):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{directory}/{5000000 + i}.sock")
        listener.close()
    # behind those, so that a directory that lists the newest first has them among the 64
    for _ in range(SILENT):
        pid = os.fork()
        if pid == 0:
            try:
                silent_one(directory, told)
            finally:
                os._exit(1)
        pids.add(pid)
    for _ in range(SILENT):
        os.read(ready, 1)
    return directory, pids, ready


def start_daemon():
    log = open(work + "/hostile.log", "w+", encoding="utf-8")
    process = subprocess.Popen(
        [build + "/swapify-policy", "-c", "/dev/null", f"--daemon.interval={INTERVAL_MS}ms",
         "--idle.scan_interval=1s", "--idle.scan_interval_near=1s", f"--daemon.lockfile={work}/lock4"], stderr=log)
    deadline = time.monotonic() + 30
    while "started" not in open(work + "/hostile.log", encoding="utf-8").read():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit("the daemon did not start:\n" + open(work + "/hostile.log", encoding="utf-8").read())
        time.sleep(0.01)
    return process


def cpu_ns(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as stat:
        return int(stat.read().split()[0])


def watch(inotify, ticks):
    """The intervals between looks, in ms"""
    times = []
    while len(times) <= ticks:
        if not select.select([inotify], [], [], 30)[0]:
            sys.exit("the daemon does not look at memory any more")
        now = time.monotonic()
        os.read(inotify, 65536)
        # a look may take more than one read
        if not times or now - times[-1] > INTERVAL_MS / 10000:
            times.append(now)
    return [(b - a) * 1000 for a, b in zip(times, times[1:])]


def one_round(inotify, ticks):
    process = start_daemon()
    watch(inotify, 5)
    before, start = cpu_ns(process.pid), time.monotonic()
    intervals = watch(inotify, ticks)
    cpu_us = (cpu_ns(process.pid) - before) / 1000 / (time.monotonic() - start)
    process.terminate()
    process.wait()
    return intervals, cpu_us


def row(what, rounds):
    intervals = [interval for round_intervals, _ in rounds for interval in round_intervals]
    print("%-46s %14.2f %14.2f %14.0f" % (what, statistics.median(intervals), max(intervals),
                                          statistics.median(cpu for _, cpu in rounds)))


build, work = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
rounds_ticks = (int(sys.argv[3]) if len(sys.argv) > 3 else 200) // ROUNDS
facts = work + "/meminfo4"
with open("/proc/meminfo", encoding="ascii") as real, open(facts, "w", encoding="ascii") as copy:
    copy.write(real.read())
own_namespace(facts)
watched = must(libc.inotify_init1(os.O_CLOEXEC))
must(libc.inotify_add_watch(watched, facts.encode(), IN_ACCESS))
alone, among = [], []
sockets, children, asked = crowd()
try:
    for _ in range(ROUNDS):
        os.rename(sockets, "/run/swapify/away")
        alone.append(one_round(watched, rounds_ticks))
        os.rename("/run/swapify/away", sockets)
        among.append(one_round(watched, rounds_ticks))
    if not select.select([asked], [], [], 0)[0]:
        sys.exit("hostile.py: nobody of the silent was asked")
finally:
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
print("%-46s %14s %14s %14s" % (f"from tick to tick, interval {INTERVAL_MS} ms", "median, ms", "worst, ms",
                                "CPU us/s"))
row("nobody attached", alone)
row(f"{DEAD} dead sockets, {SILENT} silent programs", among)
