#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""jobs.py SHIMCALL SOCKET_DIR: an interactive bash with job control on a terminal of its own, as a
user works with it. LD_PRELOAD of the bash is SHELL_PRELOAD; with it a stopped job is swapped before
it is asked to go on. Prints what went wrong, or "ok".
"""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

DEADLINE = 60
PROMPT = "next> "
preload = os.environ.pop("SHELL_PRELOAD", "")
shimcall, sockets = sys.argv[1:]


class Terminal:
    def __init__(self):
        self.seen = ""
        self.at = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.environ.update(PS1=PROMPT, PS2="", TERM="dumb", HISTFILE="")
            if preload:
                os.environ["LD_PRELOAD"] = preload
            os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])

    def more(self):
        """Reads on; False at the end"""
        if not select.select([self.fd], [], [], DEADLINE)[0]:
            self.fail("nothing comes any more")
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def fail(self, why):
        print(f"{why}; the terminal shows:\n{self.seen}")
        sys.exit(1)

    def await_text(self, regex):
        while True:
            found = re.compile(regex, re.M).search(self.seen, self.at)
            if found:
                self.at = found.end()
                return found
            if not self.more():
                self.fail(f"ended before {regex!r}")

    def send(self, text):
        os.write(self.fd, text.encode())

    def command(self, text, *regexes):
        """A line at the prompt; what it prints, in order"""
        self.send(text + "\n")
        self.await_text(re.escape(text) + r"\r\n")
        for regex in regexes:
            self.await_text(regex)

    def prompt(self):
        self.await_text("^" + re.escape(PROMPT))

    def job(self, text, *regexes):
        self.command(text, *regexes)
        self.prompt()


def swap(pid):
    """Once it is attached as what it is now, which takes a moment"""
    end = time.monotonic() + DEADLINE
    while not os.path.exists(f"{sockets}/cat.{pid}.sock") and time.monotonic() < end:
        time.sleep(0.01)
    done = subprocess.run([shimcall, sockets, str(pid), "swap"], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        terminal.fail(f"swap: {done.stdout}")


terminal = Terminal()
terminal.prompt()
terminal.job("echo $(echo sub)", "^sub\r")
terminal.job("yes | head -n 2", "^y\r", "^y\r")
terminal.job("cat < <(echo substituted)", "^substituted\r")

# stopped and continued in the foreground
terminal.command("sh -c 'echo $PPID up $$; exec cat'")
cat = int(terminal.await_text(r"^\d+ up (\d+)\r\n").group(1))
for attempt in range(3):
    text = f"line {attempt}"
    terminal.send(text + "\n")
    terminal.await_text(rf"^{text}\r\n{text}\r\n")
    terminal.send("\x1a")
    terminal.await_text(r"Stopped")
    terminal.prompt()
    if preload and attempt:
        swap(cat)
    terminal.command("fg", r"^sh -c .*\r\n")
terminal.send("last\n")
terminal.await_text(r"^last\r\nlast\r\n")
terminal.send("\x04")
terminal.prompt()

# to the background, and ended there
terminal.command("sh -c 'echo up; exec sleep 1000'", r"^up\r\n")
terminal.send("\x1a")
terminal.await_text(r"^\[1\]\+  Stopped")
terminal.prompt()
terminal.job("jobs", r"Stopped +sh -c")
terminal.job("bg", r"^\[1\]\+ sh -c")
terminal.job("jobs", r"Running +sh -c")
terminal.job("kill %1; wait %1; echo status $?", r"^status 143\r")

# a pipeline is a job as a whole
terminal.command("(echo up; exec cat) | cat | cat", r"^up\r\n")
terminal.send("\x1a")
terminal.await_text(r"Stopped")
terminal.prompt()
terminal.command("fg", r"^\( *echo up")
terminal.send("through all\n")
terminal.await_text(r"^through all\r\nthrough all\r\n")
terminal.send("\x03")
terminal.prompt()
terminal.job("echo status $? ${PIPESTATUS[@]}", r"^status ")
terminal.job("jobs; echo none left", r"^none left")
terminal.send("exit 7\n")
while terminal.more():
    pass
status = os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1])
if status != 7:
    terminal.fail(f"bash ended with {status}")
print("ok")
