"""Daemons of a private cluster on this machine: started, known by their process number, and ended for sure."""
import json
import os
import pathlib
import signal
import subprocess
import time


def started_at(pid):
    """When a process began, in the kernel's ticks; None when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except OSError:
        return None


class Daemons:
    """`env` is theirs; `mark`, a "NAME=value" of it, is in the environment of all that they start. Their commands by name
    stand in DIR/commands, and are written by up()."""

    def __init__(self, folder, env, mark):
        self.dir = pathlib.Path(folder).resolve()
        self.env = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "LC_ALL": "C", **env}
        self.mark = mark
        self.children = []

    def __enter__(self):
        try:
            return self.up()
        except BaseException:
            self.down()
            raise

    def __exit__(self, *_):
        self.down()

    def start(self, name):
        command = json.loads((self.dir / "commands").read_text())[name]
        with open(self.dir / f"{name}.out", "ab") as out:
            process = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       start_new_session=True)
        (self.dir / "run" / name).write_text(f"{process.pid} {started_at(process.pid)}")
        self.children.append(process)

    def until(self, check, seconds, what):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if check():
                    return
            except (OSError, subprocess.CalledProcessError):
                pass
            if time.monotonic() > deadline:
                logs = "".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}"
                               for log in sorted(self.dir.glob("*.out")) + sorted(self.dir.glob("*.log")))
                raise RuntimeError(f"{what} did not come up in {seconds} s\n{logs}")
            time.sleep(0.05)

    def run(self, *command):
        return subprocess.run(command, env=self.env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout

    # --- ending

    def pid(self, name):
        """None when it does not run."""
        try:
            pid, start = (self.dir / "run" / name).read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if started_at(pid) == start else None

    def signal(self, name, number):
        pid = self.pid(name)
        if pid:
            os.kill(pid, number)

    def kill(self, name):
        self.end(name, signal.SIGKILL)

    def stop(self, name):
        self.end(name, signal.SIGTERM)

    def end(self, name, how):
        self.signal(name, how)
        while self.pid(name):
            time.sleep(0.01)

    def steps(self):
        """What runs jobs may leave its daemon; it keeps the environment."""
        mark = self.mark.encode()
        found = []
        for process in pathlib.Path("/proc").iterdir():
            if not process.name.isdigit() or int(process.name) == os.getpid():
                continue
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
            except OSError:
                pass
        return found

    def halt(self):
        """As if its power had failed: ends all daemons and what jobs run."""
        names = [each.name for each in (self.dir / "run").glob("*") if each.suffix != ".pid"]
        for name in sorted(names, reverse=True):
            self.kill(name)
        deadline = time.monotonic() + 10
        while (left := self.steps()) and time.monotonic() < deadline:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)

    def down(self):
        self.halt()
        for process in self.children:
            process.wait()
