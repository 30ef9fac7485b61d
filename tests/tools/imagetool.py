#!/usr/bin/python3 -SE
# SPDX-License-Identifier: MIT
"""imagetool.py IMAGE damage WHAT   flips a bit of: header, head N (of a chunk), data N; or: cut, empty
imagetool.py IMAGE old          makes it one of an earlier process of this number
See src/proto/image.h.
"""
import os
import struct
import sys

HEADER = struct.Struct("<QIIIIiIQQ16sQQQQQ16sI")  # and its CRC
PAGE, START_TICKS = 2, 7
CHUNK = struct.Struct("<IIII4III")
AHEAD = 4


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def flip(file, at):
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ 4]))


def layout(file, page):
    """Offsets of the heads and of the data, each a list."""
    end = os.fstat(file.fileno()).st_size
    heads, data, at = [page * (1 + n) for n in range(AHEAD)], [], page * (1 + AHEAD)
    for n in range(1 << 20):
        file.seek(heads[n])
        pages = CHUNK.unpack(file.read(CHUNK.size))[3]
        data.append(at)
        at += pages * page
        if at >= end:
            return heads, data
        heads.append(at)
        at += page


def main(path, action, what=None, n="0"):
    with open(path, "r+b", buffering=0) as file:
        header = list(HEADER.unpack(file.read(HEADER.size)))
        page = header[PAGE]
        if action == "old":
            header[START_TICKS] -= 1
            packed = HEADER.pack(*header)
            file.seek(0)
            file.write(packed + struct.pack("<I", crc32c(packed)))
        elif what == "cut":
            file.truncate(os.fstat(file.fileno()).st_size - page)
        elif what == "empty":
            file.truncate(0)
        elif what == "header":
            flip(file, 40)
        else:
            heads, data = layout(file, page)
            flip(file, heads[int(n)] + 52 if what == "head" else data[int(n)] + 1234)


main(*sys.argv[1:])
