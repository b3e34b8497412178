"""A real federation on loopback for tests: real processes, real sockets, real disks.

Start one with `with Federation(...) as federation:`; everything it started is gone afterwards, also when a test fails.
The programs come from TRADEWIND_BIN (ctest sets it), else from build/release/bin.
"""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "deploy"))
from free_ports import held_ports

BIN = pathlib.Path(os.environ.get("TRADEWIND_BIN", ROOT / "build/release/bin"))
FINAL = ("succeeded", "failed", "canceled", "unroutable")


class Answer(Exception):
    """An HTTP answer that is no success."""

    def __init__(self, status, body, headers):
        super().__init__(f"{status}: {body[:500]!r}")
        self.status, self.body, self.headers = status, body, headers

    def json(self):
        return json.loads(self.body)


class Client:
    """Plain HTTP, as any client would speak it."""

    def __init__(self, url, token=None):
        self.url, self.token = url, token

    def raw(self, method, path, body=None, headers=None, timeout=30):
        headers = dict(headers or {})
        if self.token:
            headers.setdefault("Authorization", "Bearer " + self.token)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            raise Answer(error.code, error.read(), dict(error.headers)) from None

    def call(self, method, path, body=None, **more):
        return json.loads(self.raw(method, path, body, **more)[1] or b"{}")

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, body if body is not None else {})

    def submit(self, document, key=None):
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", "/v1/jobs", document, headers=headers)["id"]

    def job(self, job):
        return self.get(f"/v1/jobs/{job}")

    def wait(self, job, states=FINAL, seconds=60):
        return until(lambda: self._in(job, states), seconds,
                     lambda: f"{job} is not in {states}: {json.dumps(self.job(job))[:2000]}")

    def _in(self, job, states):
        found = self.job(job)
        return found if found["state"] in states else None

    def all_jobs(self, query=""):
        jobs, cursor = [], ""
        while True:
            page = self.get(f"/v1/jobs?limit=250{query}" + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""))
            jobs += page["jobs"]
            cursor = page.get("next_cursor")
            if not cursor:
                return jobs

    def wait_array(self, array, count, seconds=120):
        def done():
            states = self.get(f"/v1/arrays/{array}")["states"]
            return states if sum(states.get(state, 0) for state in FINAL) == count else None
        return until(done, seconds, lambda: f"array {array}: {self.get(f'/v1/arrays/{array}')}")


def until(check, seconds, describe=lambda: "it did not happen"):
    """What `check` returns once it is not None or False; connection errors count as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = check()
            if found:
                return found
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError):
            pass
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s: {describe()}")
        time.sleep(0.05)


def build_log_verifier(folder):
    """The program that verifies a log with none of our own code, see log_verifier/main.go."""
    program = pathlib.Path(folder) / "log_verifier"
    go = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(program) + ".cache"}
    subprocess.run(["go", "build", "-o", program, "main.go"], cwd=ROOT / "tests/federation/log_verifier", env=go,
                   check=True)
    return program


def verify_log(verifier, url, token, *more, known=()):
    """Runs the verifier over an endpoint's whole log, and over the checkpoints that are known from before."""
    key = Client(url).raw("GET", "/log/key")[1].decode().strip()
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / str(number) for number in range(len(known))]
        for file, note in zip(files, known):
            file.write_bytes(note)
        return subprocess.run([verifier, "-log", url + "/log", "-token", token, "-key", key, *more,
                               *(word for file in files for word in ("-known", file))],
                              capture_output=True, text=True, timeout=300)


def checkpoint_size(note):
    return int(note.decode().split("\n")[1])


@contextlib.contextmanager
def site_files(*sites):
    """A folder with the files of some of the sample sites."""
    with tempfile.TemporaryDirectory() as folder:
        for site in sites:
            shutil.copy(ROOT / f"deploy/sites/{site}.toml", folder)
        yield pathlib.Path(folder)


class Federation:
    def __init__(self, sites=None, open_to_all=False, env=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tradewind-test-"))
        self.sites, self.open, self.env = sites, open_to_all, dict(env or {})
        self.held = contextlib.ExitStack()  # a part that is down finds its port free again
        self.port, self.link_port = self.held.enter_context(held_ports(2))

    def __enter__(self):
        (self.dir / "link-port").write_text(f"{self.link_port}\n")
        command = ["up", str(self.dir), "--port", str(self.port)]
        if self.sites:
            command += ["--sites", str(self.sites)]
        if self.open:
            command.append("--open")
        try:
            self._run(*command)
            env = dict(line[7:].split("=", 1) for line in (self.dir / "env").read_text().splitlines())
            self.url = env["TRADEWIND_URL"]
            self.user = Client(self.url, env["TRADEWIND_TOKEN"])
            self.operator = Client(self.url, env["TRADEWIND_OPERATOR_TOKEN"])
            self.auditor = Client(self.url, env["TRADEWIND_AUDITOR_TOKEN"])
            return self
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise

    def __exit__(self, kind, value, trace):
        failed = True
        try:
            if kind is None:
                self.replay()
                failed = False
        finally:
            if failed:
                self.show_logs()
            self._run("down", str(self.dir))
            self.held.close()
            shutil.rmtree(self.dir, ignore_errors=True)

    def replay(self):
        """Fails unless each decision that the broker has made comes out again from its log alone, and each market record
        that it rests on is signed by whom it must be."""
        def status():
            return self.auditor.get("/v1/audit/status")
        written = status()["written"]
        until(lambda: status().get("checkpoint", {"size": 0})["size"] >= written, 30,
              lambda: f"{written} entries are not published: {status()}")
        done = self.cli("audit", "replay", "--all", "--trust", self.dir / "ca/trust/1.trust", "-o", "json", token="auditor")
        assert json.loads(done.stdout)["signatures_verified"] > 0, done.stdout

    def _run(self, *arguments, env=None):
        done = subprocess.run([ROOT / "deploy/local-federation", *arguments], capture_output=True, text=True,
                              env={**os.environ, "TRADEWIND_BIN": str(BIN), **self.env, **(env or {})},
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise AssertionError(f"local-federation {' '.join(arguments)}: {done.stdout}{done.stderr}")

    def pid(self, name):
        return int((self.dir / "run" / f"{name}.pid").read_text().split()[0])

    def kill(self, name, how=signal.SIGKILL):
        os.kill(self.pid(name), how)
        if how in (signal.SIGKILL, signal.SIGTERM):
            self.ended(name, 10)

    def _zombie(self, name):
        """With no thread left: one that waits for the disk holds the store's lock for a while yet."""
        process = pathlib.Path(f"/proc/{self.pid(name)}")
        try:
            return ") Z " in (process / "stat").read_text() and len(list((process / "task").iterdir())) <= 1
        except (FileNotFoundError, ProcessLookupError):
            return True

    def options(self, name, *words):
        """What the part is started with besides, from its next start on."""
        (self.dir / f"{name}-options").write_text("".join(f"{word}\n" for word in words))

    def start(self, name, env=None):
        """Fails when it ends while starting."""
        self._run("start", str(self.dir), name, env=env)

    def alive(self, name):
        return pathlib.Path(f"/proc/{self.pid(name)}").exists() and not self._zombie(name)

    def ended(self, name, seconds=30):
        """Waits until it has ended by itself."""
        until(lambda: not self.alive(name), seconds, lambda: f"{name} has not ended")

    def log(self, name):
        return (self.dir / "log" / f"{name}.out").read_text(errors="replace")

    def cli(self, *arguments, token="user", check=True, text_in=None):
        client = {"user": self.user, "operator": self.operator, "auditor": self.auditor}[token]
        done = subprocess.run([BIN / "tradewind", *arguments], capture_output=True, text=True, input=text_in,
                              env={**os.environ, "TRADEWIND_URL": self.url, "TRADEWIND_TOKEN": client.token})
        if check and done.returncode != 0:
            raise AssertionError(f"tradewind {' '.join(map(str, arguments))} -> {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def show_logs(self):
        for log in sorted((self.dir / "log").glob("*.out")):
            lines = log.read_text(errors="replace").splitlines()[-40:]
            print(f"--- {log.name}\n" + "\n".join(lines), flush=True)


class Ledger:
    """An outside view that no fault touches: jobs with network access report their start and end here."""

    def __enter__(self):
        self.lines, lock = [], threading.Lock()
        ledger = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with lock:
                    ledger.lines.append((time.monotonic(), *self.path.strip("/").split("/")))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256  # jobs of several sites tell at once

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def command(self, work="true"):
        """A shell command that reports start and end around `work`."""
        run = "$TRADEWIND_JOB_ID/$TRADEWIND_ATTEMPT/$TRADEWIND_SITE"
        return (f"curl -sf {self.url}/start/{run} && {{ {work}; }} && curl -sf {self.url}/end/{run}")

    def beating(self, seconds):
        """Work for `command` that reports that it lives, every half second."""
        run = "$TRADEWIND_JOB_ID/$TRADEWIND_ATTEMPT/$TRADEWIND_SITE"
        return (f"n=0; while [ $n -lt {int(seconds * 2)} ]; do sleep 0.5; n=$((n+1)); curl -sf {self.url}/beat/{run};"
                " done")

    def count(self, what, job):
        return sum(1 for line in self.lines if line[1] == what and line[2] == job)


def shell_job(command, name="test", architectures=("amd64",), **more):
    return {"name": name, "resources": {"cpus": 1, "memory_mib": 64},
            "variants": [{"architectures": list(architectures), "duration_seconds": 5,
                          "executors": [{"command": ["sh", "-c", command]}]}], **more}


def leading_attempt(job):
    ran = [each for each in job["attempts"] if each["state"] not in ("refused", "dispatching")]
    return ran[-1] if ran else None
