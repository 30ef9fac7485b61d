#!/usr/bin/python3 -SE
# SPDX-License-Identifier: MIT
"""shimtalk.py SOCKET ask REQUEST    sends one byte, prints "reply=N" (or "reply=none") and what follows
shimtalk.py SOCKET rude REQUEST   sends it and is gone before there's an answer
shimtalk.py SOCKET slow MS REQUEST  the same as ask, but the byte comes so long after the connection
shimtalk.py SOCKET silent N       N connections that send nothing; "ready", until stdin ends
shimtalk.py SOCKET crowd N REQ... N connections at once, request by request; how often which reply
"""
import socket
import sys
import threading
import time

REQUESTS = {"exit": 0, "swap": 1, "unswap": 2, "status": 3}


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(path)
    return s


def number(word):
    return REQUESTS[word] if word in REQUESTS else int(word)


def ask(path, request, after_ms=0):
    """First byte of the answer, or None, and the rest."""
    s = connect(path)
    time.sleep(after_ms / 1000)
    s.sendall(bytes([number(request)]))
    answer = b""
    try:
        while True:
            part = s.recv(4096)
            if not part:
                break
            answer += part
    except ConnectionResetError:
        pass
    return (answer[0] if answer else None), answer[1:].decode()


def main(path, mode, *args):
    if mode in ("ask", "slow"):
        try:
            reply, text = ask(path, args[-1], int(args[0]) if mode == "slow" else 0)
        except (FileNotFoundError, ConnectionRefusedError, BrokenPipeError):
            reply, text = None, ""
        print("reply=" + ("none" if reply is None else str(reply)))
        sys.stdout.write(text)
    elif mode == "rude":
        s = connect(path)
        s.sendall(bytes([number(args[0])]))
        s.close()
    elif mode == "silent":
        held = [connect(path) for _ in range(int(args[0]))]
        print("ready", flush=True)
        sys.stdin.read()
        for s in held:
            s.close()
    else:
        replies = {}
        lock = threading.Lock()

        def one(request):
            reply, _ = ask(path, request)
            with lock:
                replies[reply] = replies.get(reply, 0) + 1

        threads = [threading.Thread(target=one, args=(args[1 + i % (len(args) - 1)],)) for i in range(int(args[0]))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        print(" ".join("%s=%d" % item for item in sorted(replies.items(), key=str)))


main(*sys.argv[1:])
