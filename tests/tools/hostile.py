#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hostile.py DIR LOG NAME MIB KIND...: for each KIND a process NAME with MIB MiB that is idle and
listens at DIR/PID.sock, or does what KIND says. Prints "KIND PID" each, and ends with its standard
input, or its end. Every connection and every byte that arrives is noted in LOG, as
"KIND PID connected" and "KIND PID BYTE".

all-WHAT       answers everything as WHAT has it
swap-WHAT      answers status as a running program does, and everything else as WHAT has it
               WHAT: silent, flood, drip, close, half, short, long, bytes, nuls, doubled, numbers,
               endless, word, lines, or error=NAME
busy           says that it is being swapped, always
says-N         says that it is swapped and holds N bytes, but does nothing of what it's told
stuck-N        the same, and can't be unswapped
done-N         says yes to everything and does nothing
deaf           has a queue that is full, and takes nobody out of it
at:PID         listens at the name of another process
link:PATH      has a link to PATH in the place of its socket
flip:PATH      listens, but a link to PATH and the socket take turns under its name
left           listens at the name of its child, which serves the socket, and ends
orphan         listens, and ends: its child serves the socket
trap:PATH      listens at PATH and says nothing
none           does nothing at all
"""
import os
import select
import socket
import sys
import time

directory, log_path, name, mib = sys.argv[1:5]
log = os.open(log_path, os.O_WRONLY | os.O_APPEND)
life, life_end = os.pipe()  # ends with the first of us
ballast = bytearray(os.urandom(4096) * (int(mib) * 256))  # theirs, too: nothing is copied
STATUS, SWAP = 3, 1


def lines(state, held, **more):
    facts = {"state": state, "since_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME), "image_bytes": held,
             "held_bytes": held, "mode": "eager", "helper": os.getpid(), "image": "/images/1.swap", **more}
    return "".join(f"{key}={value}\n" for key, value in facts.items()).encode()


def bad_answer(what):
    """What is sent, and whether the connection is closed behind it"""
    if what.startswith("error="):
        return b"\1" + lines("running", 0, error=what[6:], reason="pid=1 name=\"init\" \u009b31m"), True
    return {
        "silent": (b"", False),
        "close": (b"", True),
        "half": (b"\0state=running\nheld_by", True),
        "short": (b"\0\n", True),
        "long": (b"\0" + b"x" * 1020 + b"=1\n" * 3, True),
        "bytes": (bytes(range(255, 0, -1)), True),
        "nuls": (b"\0" * 64, True),
        "doubled": (b"\0state=running\nstate=swapped\nheld_bytes=1\nheld_bytes=2\n", True),
        "numbers": (b"\0state=swapped\nheld_bytes=" + b"9" * 200 + b"\n", True),
        "endless": (b"\0state=swapped\nheld_bytes=18446744073709551615\n", False),
        "word": (b"\0state=" + b"swapped" * 20 + b"\n", True),
        "lines": (b"\0" + b"\n" * 100, True),
    }[what]


def good_answer(kind, request):
    verb, _, number = kind.partition("-")
    if request == STATUS:
        if verb == "busy":
            return b"\0" + lines("swapping", 0)
        if verb in ("says", "stuck"):
            return b"\0" + lines("swapped", number)
        return b"\0" + lines("running", 0)
    if verb == "stuck":
        return b"\1" + lines("swapped", number, error="EIO", reason="the image is broken")
    return b"\0" + lines("swapped" if request == SWAP else "running", number or 0)


def note(kind, what):
    os.write(log, f"{kind} {os.getpid()} {what}\n".encode())


class Server:
    def __init__(self, kind, listener):
        self.kind, self.listener = kind, listener
        self.poll = select.poll()
        self.poll.register(life, 0)
        if listener:
            self.poll.register(listener, select.POLLIN)
        self.connections = {}
        self.drips = set()

    def drop(self, connection):
        self.poll.unregister(connection)
        del self.connections[connection.fileno()]
        self.drips.discard(connection)
        connection.close()

    def send(self, connection, data):
        """False where there is nobody any more"""
        try:
            connection.send(data)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(connection)
            return False
        return True

    def answer(self, connection, request):
        when, _, what = self.kind.partition("-")
        data, close = good_answer(self.kind, request), True
        if self.kind.startswith("trap:"):
            return
        if when == "all" or (when == "swap" and request != STATUS):
            if what == "drip":
                self.drips.add(connection)
                return
            if what == "flood":
                self.poll.modify(connection, select.POLLIN | select.POLLOUT)
                return
            data, close = bad_answer(what)
        if self.send(connection, data) and close:
            self.drop(connection)

    def take(self):
        connection, _ = self.listener.accept()
        note(self.kind, "connected")
        connection.setblocking(False)
        if self.kind == "all-close":
            connection.close()
            return
        self.connections[connection.fileno()] = connection
        self.poll.register(connection, select.POLLIN)

    def hear(self, connection, events):
        if events & select.POLLOUT and not self.send(connection, b"\0" * 65536):
            return
        if not events & ~select.POLLOUT:
            return
        try:
            data = connection.recv(4096)
        except OSError:
            data = b""
        for byte in data:
            note(self.kind, byte)
        if data:
            self.answer(connection, data[0])
        else:
            self.drop(connection)

    def run(self):
        while True:
            ready = self.poll.poll(50 if self.drips else None)
            for connection in list(self.drips):
                self.send(connection, b"\0")
            for fd, events in ready:
                if fd == life:
                    os._exit(0)
                if self.listener and fd == self.listener.fileno():
                    self.take()
                elif fd in self.connections:
                    self.hear(self.connections[fd], events)


def listen(path, queue=64, listener=None):
    listener = listener or socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(queue)
    return listener


def own_path(pid):
    return f"{directory}/{pid}.sock"


def flip(path, target):
    """A link and the socket in its place at turns, each in one step"""
    os.link(path, path + ".socket")
    while not select.select([life], [], [], 0.0003)[0]:
        os.symlink(target, path + ".next")
        os.rename(path + ".next", path)
        os.link(path + ".socket", path + ".next")
        os.rename(path + ".next", path)
    os._exit(0)


def hand_over(kind):
    """Returns in a child, with the socket that its parent listened at before it ended"""
    listener = socket.socket(socket.AF_UNIX)
    ended, end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        os.read(ended, 1)
        return listener
    served = child if kind == "left" else os.getpid()
    listen(own_path(served), listener=listener)
    tell(f"{kind} {served}")
    os._exit(0)


def fill(path):
    clients = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    for client in clients:
        client.setblocking(False)
        try:
            client.connect(path)
        except BlockingIOError:
            pass
    return clients


def tell(line):
    os.write(1, f"{line}\n".encode())


def become(kind):
    with open("/proc/self/comm", "w", encoding="ascii") as comm:
        comm.write(name)
    pid = os.getpid()
    verb, _, target = kind.partition(":")
    server, clients = None, []
    if kind in ("left", "orphan"):
        Server(kind, hand_over(kind)).run()
    if verb == "link":
        os.symlink(target, own_path(pid))
    elif verb != "none":
        path = {"at": own_path(target), "trap": target}.get(verb, own_path(pid))
        server = listen(path, 0 if kind == "deaf" else 64)
    if verb == "flip" and os.fork() == 0:
        flip(own_path(pid), target)
    if kind == "deaf":
        server, clients = None, [server, fill(own_path(pid))]
    tell(f"{kind} {pid}")
    Server(kind, server).run()
    del clients


for this in sys.argv[5:]:
    if os.fork() == 0:
        os.close(life_end)
        os.close(0)
        become(this)
sys.stdin.read()
os._exit(0)
