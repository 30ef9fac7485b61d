#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""latency.py BUILD WORK ROUNDS: how long from a change of /proc/meminfo to the first page-out.

Prints three numbers in ms: median and worst with the daemon looking every 10 ms, and the median with
the interval that is the default, 1 s. The facts are scripted: a file bound over /proc/meminfo."""
import os
import re
import statistics
import subprocess
import sys
import time

build, work, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
UID = 61234
meminfo = work + "/meminfo"
real = open("/proc/meminfo").read()
total_kib = int(re.search(r"^MemTotal:\s+(\d+)", real, re.M).group(1))


def facts(percent):
    """Writes the facts with percent% of memory available, at one go and without a torn moment."""
    text = re.sub(r"^(MemAvailable:\s+)\d+", lambda m: m.group(1) + "%012d" % (total_kib * percent // 100), real, flags=re.M)
    text = re.sub(r"^(Swap(?:Total|Free):\s+)\d+", lambda m: m.group(1) + "%012d" % (1 << 20), text, flags=re.M)
    fd = os.open(meminfo, os.O_WRONLY | os.O_CREAT, 0o644)
    os.pwrite(fd, text.encode(), 0)
    os.close(fd)


def swapped_kib(pid):
    with open("/proc/%d/status" % pid) as status:
        return int(re.search(r"^VmSwap:\s+(\d+)", status.read(), re.M).group(1))


def users_but(pid):
    users = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != pid:
            try:
                users.add(str(os.stat(entry.path).st_uid))
            except FileNotFoundError:
                pass  # it has ended
    return users


def one_round(interval, wait_s):
    facts(95)
    holder = subprocess.Popen([build + "/tools/holder", "64"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              user=UID, group=UID, extra_groups=[])
    holder.stdout.readline()
    others = users_but(holder.pid)
    log = open(work + "/latency.log", "w+")
    daemon = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /proc/meminfo && shift && exec "$@"', "sh", meminfo,
         build + "/swapify-policy", "-c", "/dev/null", "--madvise.enabled=yes", "--daemon.interval=" + interval,
         "--idle.min_idle=500ms", "--idle.scan_interval=200ms", "--idle.scan_interval_near=200ms",
         "--daemon.lockfile=" + work + "/lock3", "--protect.uids=" + " ".join(sorted(others - {str(UID)}))],
        stderr=log)
    try:
        deadline = time.monotonic() + 30
        while "started" not in open(work + "/latency.log").read():
            if daemon.poll() is not None or time.monotonic() > deadline:
                sys.exit("the daemon did not start:\n" + open(work + "/latency.log").read())
            time.sleep(0.01)
        time.sleep(wait_s)  # until it is known to be idle; not in step with the daemon's timer
        before = swapped_kib(holder.pid)
        start = time.monotonic()
        facts(19)
        while swapped_kib(holder.pid) <= before + 1024:
            if time.monotonic() - start > 20:
                sys.exit("nothing was moved out:\n" + open(work + "/latency.log").read())
        return (time.monotonic() - start) * 1000
    finally:
        daemon.terminate()
        daemon.wait()
        holder.stdin.close()
        holder.wait()


awake = [one_round("10ms", 1.5) for _ in range(rounds)]
usual = [one_round("1s", 2.0 + 0.137 * i) for i in range(5)]
print("%.0f %.0f %.0f" % (statistics.median(awake), max(awake), statistics.median(usual)))
