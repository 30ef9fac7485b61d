#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""ready.py BUILD WORK ROUNDS: how long from the daemon's start to READY=1, its word to a service manager.

Prints two numbers in ms: median and worst."""
import os
import socket
import statistics
import subprocess
import sys
import time

build, work, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(work + "/notify")
manager.settimeout(30)


def one_round():
    start = time.monotonic()
    daemon = subprocess.Popen([build + "/swapify-policy", "-q", "-c", "/dev/null", "--daemon.lockfile=" + work + "/lock4"],
                              env={**os.environ, "NOTIFY_SOCKET": work + "/notify"})
    try:
        while b"READY=1" not in manager.recv(4096):
            pass
        return (time.monotonic() - start) * 1000
    finally:
        daemon.terminate()
        daemon.wait()


times = [one_round() for _ in range(rounds)]
print("%.0f %.0f" % (statistics.median(times), max(times)))
