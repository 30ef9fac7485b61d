#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""swap.py BUILD DIR [PAIRS]: how fast a program of 1 GiB, half of it touched, goes to its image and
comes back, beside raw O_DIRECT writes and reads of as many bytes in the same directory and run. A
disk that was just written to may be slower, by a third where this was written: so rounds come in
pairs, raw first in the one and ours first in the other, and are compared by pair.
Prints "swap MB/s RAW-MB/s RATIO" and "unswap ...", medians and the median of the ratios; then
"resident SWAPPED GROWTH", in KiB: what it has resident while swapped, and how much more afterwards."""
import os
import socket
import statistics
import subprocess
import sys
import time

SWAP, UNSWAP, STATUS = 1, 2, 3
MIB = 512  # that are touched


def ask(path, request):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        start = time.monotonic()
        sock.send(bytes([request]))
        reply = sock.recv(1)
        took = time.monotonic() - start
        text = b""
        while part := sock.recv(4096):
            text += part
    if reply != b"\0":
        sys.exit(f"swap.py: refused: {text.decode()}")
    return took * 1e6


def status(pid, key):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key + ":"))


def raw(build, directory, way):
    out = subprocess.run([f"{build}/bench/rawio", f"{directory}/raw", str(MIB), way], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return float(out)


def main():
    build, directory = sys.argv[1], os.path.abspath(sys.argv[2])
    pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    sockets, images = f"{directory}/sockets", f"{directory}/images"
    for path in (sockets, images):
        os.mkdir(path, 0o700)
    program = subprocess.Popen([f"{build}/bench/half", str(2 * MIB)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE,
                               env=dict(os.environ, LD_PRELOAD=os.path.abspath(f"{build}/libswapify.so"),
                                        SWAPIFY_SOCKET_DIR=sockets, SWAPIFY_IMAGE_DIR=images))
    try:
        measure(build, directory, pairs, program, sockets)
    finally:
        program.kill()
        program.wait()


def measure(build, directory, pairs, program, sockets):
    program.stdout.readline()
    path = f"{sockets}/{program.pid}.sock"
    deadline = time.monotonic() + 10
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            sys.exit("swap.py: the program doesn't attach")
        time.sleep(0.01)
    ask(path, SWAP), ask(path, UNSWAP), ask(path, STATUS)  # the first time, files and tables are made
    before = status(program.pid, "VmRSS")
    times = {name: [] for name in ("write", "swap", "read", "unswap")}
    for n in range(2 * pairs):
        for base, name, request in (("write", "swap", SWAP), ("read", "unswap", UNSWAP)):
            for who in (base, name) if n % 2 == 0 else (name, base):
                times[who].append(raw(build, directory, base) if who == base else ask(path, request))
            if request == SWAP:
                held = status(program.pid, "VmRSS")
            else:
                ask(path, STATUS)  # answered when it has freed the image's blocks
    after = status(program.pid, "VmRSS")
    mb = MIB * 1.048576
    for name, base in (("swap", "write"), ("unswap", "read")):
        both = {who: [sum(times[who][n:n + 2]) for n in range(0, 2 * pairs, 2)] for who in (name, base)}
        ratio = statistics.median(b / t for b, t in zip(both[base], both[name]))
        print(name, round(mb / statistics.median(times[name]) * 1e6), round(mb / statistics.median(times[base]) * 1e6),
              round(ratio, 2))
    print("resident", held, after - before)


main()
