#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fakeshim.py DIR MODE [KEY=VALUE...]: attached programs that aren't: for each a process that
sleeps, and a socket in DIR that answers as MODE has it. Prints "ready PID..." and ends with its
standard input. What it was asked is noted, "PID REQUEST" each, in the file that log= names.

MODE  good      as a shim does, with a state that follows what it is told
      error     no, with error= and reason=
      old       one byte, then the end; knows nothing of status
      oldopen   the same, but keeps the connection open
      silent    takes the request and says nothing
      deaf      doesn't take connections at all, with a queue of one
      flood     sends without end
      close     closes at once
      wrong     an answer that no shim has
      torn      lines that end in the middle
      stale     leaves a socket that nobody listens to, and lets the process end
      lonely    the same, but the process lives
KEY   name=victim  of the links, count=1  of programs, held=1048576  bytes, delay=0  seconds,
      state=running  or swapped, at first, error=, reason=, log=, link=yes
"""
import os
import socket
import subprocess
import sys
import threading
import time

directory, mode = sys.argv[1], sys.argv[2]
options = dict(name="victim", count="1", held="1048576", delay="0", state="running",
               error="ENOSPC", reason="the image directory is full", log="", link="yes")
options.update(argument.split("=", 1) for argument in sys.argv[3:])


class Program:
    def __init__(self):
        self.process = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.state = options["state"]
        self.path = os.path.join(directory, f"{self.pid}.sock")
        self.link = os.path.join(directory, f"{options['name']}.{self.pid}.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        # by descriptor, for paths that are too long
        fd = os.open(directory, os.O_PATH)
        self.listener.bind(f"/proc/self/fd/{fd}/{self.pid}.sock")
        os.close(fd)
        self.listener.listen(0 if mode == "deaf" else 16)
        if options["link"] == "yes":
            os.symlink(f"{self.pid}.sock", self.link)
        if mode in ("stale", "lonely"):
            self.listener.close()
        if mode == "stale":
            self.end()
        if mode == "deaf":
            self.others = [socket.socket(socket.AF_UNIX) for _ in range(2)]
            for other in self.others:
                other.setblocking(False)
                try:
                    other.connect(self.path)
                except BlockingIOError:
                    pass

    def end(self):
        self.process.kill()
        self.process.wait()

    def lines(self, **more):
        out = self.state in ("swapped", "unswapping")
        facts = dict(state=self.state, since_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME),
                     image_bytes=4096 if out else 0, held_bytes=options["held"] if out else 0,
                     mode="eager", helper=os.getpid(), image=f"/images/{self.pid}.swap", **more)
        return "".join(f"{key}={value}\n" for key, value in facts.items()).encode()

    def command(self, request):
        """The reply to it"""
        wanted = {0: "running", 1: "swapped", 2: "running"}[request]
        if self.state == wanted and request != 0:
            return 2
        time.sleep(float(options["delay"]))
        self.state = wanted
        return 0

    def answer(self, request):
        if mode in ("old", "oldopen"):
            return bytes([1 if request > 2 else self.command(request)])
        if mode == "wrong":
            return b"\x07state=running\n"
        if mode == "torn":
            return b"\0state=running\nheld_by"
        if request == 3:
            return b"\0" + self.lines()
        if mode == "error":
            return b"\1" + self.lines(error=options["error"], reason=options["reason"])
        return bytes([self.command(request)]) + self.lines()

    def converse(self, connection):
        if mode == "close":
            connection.close()
            return
        request = connection.recv(1)
        if not request:
            return
        if options["log"]:
            with open(options["log"], "a", encoding="ascii") as log:
                log.write(f"{self.pid} {request[0]}\n")
        if mode == "silent":
            time.sleep(1000)
        while mode == "flood":
            connection.sendall(b"\0" * 4096)
        connection.sendall(self.answer(request[0]))
        if mode == "oldopen":
            time.sleep(1000)
        connection.close()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.try_converse, args=[connection], daemon=True).start()

    def try_converse(self, connection):
        try:
            self.converse(connection)
        except OSError:
            pass


programs = [Program() for _ in range(int(options["count"]))]
for program in programs:
    if mode not in ("deaf", "stale", "lonely"):
        threading.Thread(target=program.serve, daemon=True).start()
print("ready", *(program.pid for program in programs), flush=True)
sys.stdin.read()
for program in programs:
    program.end()
    for path in (program.link, program.path):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
os._exit(0)
