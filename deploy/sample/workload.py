#!/usr/bin/env python3
"""The sample workload: real work on real bytes, checked against results computed here.

Usage: workload.py FEDERATION_DIR

FEDERATION_DIR is what `deploy/local-federation up` was given. Prints one table and exits 1 when anything did not
come out as said.
"""
import concurrent.futures
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

TASKS = 200
BIG_BYTES = 64 * 1024 * 1024
DEAR, CHEAP, ARM = "eu-zurich-1", "us-iowa-1", "jp-osaka-1"
WAIT_SECONDS = 120


class Broker:
    def __init__(self, url, token):
        self.url, self.token = url, token

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={
            "Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

    def submit(self, document):
        return self.call("POST", "/v1/jobs", document)["id"]

    def job(self, job):
        return self.call("GET", f"/v1/jobs/{job}")

    def wait(self, job, states=("succeeded", "failed", "canceled", "unroutable"), seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.job(job)
            if found["state"] in states:
                return found
            time.sleep(0.1)
        raise SystemExit(f"{job} ({found.get('name')}) is still {found['state']} after {seconds} s")


class Check:
    def __init__(self):
        self.failed = []

    def __call__(self, what, holds):
        if not holds:
            self.failed.append(what)


def say(text):
    print(text, file=sys.stderr, flush=True)


def make_data(folder):
    """A 64 MiB text, a tiny one of the same kind, and the lines that the array works on."""
    folder.mkdir(parents=True, exist_ok=True)
    big, tiny, lines = folder / "measurements.txt", folder / "tiny.txt", folder / "lines.txt"
    block = "".join(f"{i:08d} {i * 2654435761 % 4294967296:010d} {i * i % 97:02d}\n"
                    for i in range(43_000)).encode()
    with open(big, "wb") as out:
        left = BIG_BYTES
        while left > 0:
            out.write(block[:left])
            left -= len(block)
    tiny.write_bytes(block[:2048])
    lines.write_bytes(block[:512 * 1024])
    return big, tiny, lines


def build_work(folder):
    """The small C++ program for both architectures; built once."""
    source = pathlib.Path(__file__).with_name("work.cpp")
    programs = {}
    for architecture, compiler in (("amd64", "x86_64-linux-gnu-g++"), ("arm64", "aarch64-linux-gnu-g++")):
        program = folder / f"work-{architecture}"
        subprocess.run([compiler, "-O2", "-static", "-o", program, source], check=True)
        programs[architecture] = program
    return programs


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class DataServer:
    """The dear site's data server: how other sites get at the files that lie there."""

    def __init__(self, folder):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(folder))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, file):
        return f"http://127.0.0.1:{self.server.server_address[1]}/{file.name}"


def compress_job(name, source, server, size):
    """Its input lies at the dear site only: a local file there, a download anywhere else."""
    command = "gzip -nc /data/in.txt >/data/out.gz && sha256sum </data/out.gz"
    return {
        "name": name,
        "resources": {"cpus": 1, "memory_mib": 256},
        "inputs": [{"path": "/data/in.txt", "size_bytes": size,
                    "replicas": [{"url": source.as_uri(), "site": DEAR}, {"url": server.url(source), "site": DEAR}]}],
        "outputs": [{"path": "/data/out.gz"}],
        "variants": [{"name": "amd64", "architectures": ["amd64"], "duration_seconds": 20,
                      "executors": [{"command": ["sh", "-c", command]}]}],
    }


def everywhere(path):
    """Replicas of a small file at each site, so that its place costs nothing."""
    return [{"url": path.as_uri(), "site": site} for site in (DEAR, CHEAP, ARM)]


def work_job(name, programs, lines, arguments, workload_class, array=None):
    variants = []
    for architecture in ("amd64", "arm64"):
        variants.append({
            "name": architecture, "architectures": [architecture], "workload_class": workload_class,
            "work_seconds": 60,
            # Run by its own name, not through a shell, so that an emulating site sees what the program is for.
            "executors": [{"command": [f"/app/work-{architecture}", "/data/lines.txt", *arguments.split()],
                           "stdout": "/data/result.txt"}],
        })
    document = {
        "name": name,
        "resources": {"cpus": 1, "memory_mib": 256},
        "variants": variants,
        "inputs": [{"path": "/data/lines.txt", "size_bytes": lines.stat().st_size, "replicas": everywhere(lines)}] + [
            {"path": f"/app/work-{architecture}", "executable": True, "size_bytes": program.stat().st_size,
             "replicas": everywhere(program)} for architecture, program in programs.items()],
        "outputs": [{"path": "/data/result.txt"}],
    }
    if array:
        document["array"] = {"count": array}
    return document


def shell_job(name, command, **more):
    return {"name": name, "resources": {"cpus": 1, "memory_mib": 128},
            "variants": [{"architectures": ["amd64"], "duration_seconds": 10,
                          "executors": [{"command": ["sh", "-c", command]}]}], **more}


def kill_gateway(federation, site):
    pid = int((federation / "run" / f"{site}.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


def digest(job):
    return job["outputs"][-1]["sha256"] if job.get("outputs") else ""


def seconds_between(first, second):
    if not first or not second:
        return 0.0
    moments = [datetime.datetime.fromisoformat(each.replace("Z", "+00:00")) for each in (first, second)]
    return (moments[1] - moments[0]).total_seconds()


def placed(job):
    """The attempt that counts: the last one that a site granted."""
    ran = [each for each in job["attempts"] if each["state"] not in ("refused", "dispatching")]
    return ran[-1] if ran else None


def why_not(decision):
    """The next two pools, with what speaks against each."""
    lost = [f"{each['site']}: {each['why_not']}" for each in decision["runners_up"]]
    lost += [f"{each['site']}: {each['detail'] or each['reason']}" for each in decision["rejections"]]
    return "; ".join(lost[:2])


def trim(amount):
    return f"{amount:.6f}".rstrip("0").rstrip(".")


def row(broker, label, job):
    attempt = placed(job)
    if attempt is None:
        decision = broker.call("GET", f"/v1/jobs/{job['id']}/decision")
        misses = "; ".join(each["detail"] for each in decision.get("rejections", [])[:2])
        return [label, job["state"], "-", misses or "-", "-", "-", "-", "-"]
    decision = broker.call("GET", f"/v1/jobs/{job['id']}/decision?attempt={attempt['number']}")
    cost = decision["chosen"]["cost"]
    parts = " + ".join(f"{part} ${cost[key]}" for part, key in (
        ("compute", "compute"), ("in", "data_in"), ("out", "data_out"), ("fixed", "fixed")) if float(cost[key]) > 0)
    wait = seconds_between(job["submitted_at"], attempt.get("started_at"))
    usage = attempt.get("report", {}).get("usage", {})
    run = seconds_between(usage.get("started_at"), usage.get("ended_at"))
    return [label, job["state"], attempt["site"], why_not(decision), parts or "$0", f"{wait:.1f}s", f"{run:.1f}s",
            digest(job)[:12] or "-"]


def print_table(rows):
    header = ["JOB", "STATE", "SITE", "WHY NOT THE NEXT TWO", "PRICE BY PART", "WAIT", "RUN", "DIGEST"]
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    for line in [header, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    federation = pathlib.Path(sys.argv[1]).resolve()
    env = dict(line[7:].split("=", 1) for line in (federation / "env").read_text().splitlines())
    broker = Broker(env["TRADEWIND_URL"], env["TRADEWIND_TOKEN"])
    check = Check()
    data = federation / "data"
    say("making the sample data and programs")
    big, tiny, lines = make_data(data)
    programs = build_work(data)
    server = DataServer(data)

    def local_work(arguments):
        return subprocess.run([programs["amd64"], lines, *arguments.split()], check=True, capture_output=True).stdout

    def local_gzip(path):
        return subprocess.run(["gzip", "-nc", path], check=True, capture_output=True).stdout

    started = time.monotonic()
    say("submitting: compression twice, two architectures twice, one that fails, one to cancel, one for nobody")
    jobs = {
        "a big": broker.submit(compress_job("compress 64 MiB", big, server, BIG_BYTES)),
        "a tiny": broker.submit(compress_job("compress 2 KiB", tiny, server, tiny.stat().st_size)),
        "b arm64": broker.submit(work_job("two architectures", programs, lines, "0 1 20", "default")),
        "b amd64": broker.submit(work_job("two architectures, slow on arm64", programs, lines, "0 1 20", "branchy")),
        "d fails": broker.submit(shell_job("fails", "echo working; echo 'no such reactor' >&2; exit 3")),
        "d cancel": broker.submit(shell_job("to be canceled", "echo started; sleep 300")),
        "d nobody": broker.submit({
            "name": "needs what nobody has", "resources": {"cpus": 1, "accelerators": 8},
            "variants": [{"architectures": ["amd64"], "accelerator": {"family": "cuda", "memory_gib_min": 80},
                          "executors": [{"command": ["train"]}]}]}),
    }
    with concurrent.futures.ThreadPoolExecutor() as pool:
        expected_big = pool.submit(lambda: sha256(local_gzip(big)))
        broker.wait(jobs["d cancel"], states=("running",))
        broker.call("POST", f"/v1/jobs/{jobs['d cancel']}:cancel")
        ended = {name: broker.wait(job) for name, job in jobs.items()}
        big_digest = expected_big.result()

    say(f"submitting an array of {TASKS} tasks")
    array = broker.submit(work_job("array", programs, lines, f"array {TASKS} 40", "default", TASKS))
    expected = [sha256(local_work(f"{index} {TASKS} 40")) for index in range(TASKS)]
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        states = broker.call("GET", f"/v1/arrays/{array}")["states"]
        over = sum(states.get(state, 0) for state in ("succeeded", "failed", "canceled", "unroutable"))
        if over == TASKS:
            break
        if time.monotonic() > deadline:
            raise SystemExit(f"the array is not done: {states}")
        time.sleep(0.25)
    tasks, cursor = [], ""
    while True:
        page = broker.call("GET", f"/v1/jobs?array={array}&limit=250" + (f"&cursor={cursor}" if cursor else ""))
        tasks += [broker.job(each["id"]) for each in page["jobs"]]
        cursor = page.get("next_cursor")
        if not cursor:
            break

    say("killing a gateway while it runs a restartable job")
    restartable = broker.submit(shell_job("its site dies", "sleep 8; echo survived | tee /work/out.txt",
                                          outputs=[{"path": "/work/out.txt"}]))
    running = broker.wait(restartable, states=("running",))
    first_site = placed(running)["site"]
    kill_gateway(federation, first_site)
    ended["e killed"] = broker.wait(restartable)
    seconds = time.monotonic() - started

    # --- what must have come out --------------------------------------------------------------------------------
    check("the big compression stays with its data", placed(ended["a big"])["site"] == DEAR)
    check("the tiny compression moves to the cheap site", placed(ended["a tiny"])["site"] == CHEAP)
    check("the big result is right", digest(ended["a big"]) == big_digest)
    check("the tiny result is right", digest(ended["a tiny"]) == sha256(local_gzip(tiny)))
    check("arm64 is chosen where it is cheaper a unit of work", placed(ended["b arm64"])["site"] == ARM)
    check("amd64 is chosen where arm64 is slow", placed(ended["b amd64"])["site"] != ARM)
    for name in ("b arm64", "b amd64"):
        check(f"{name}: the result is right", digest(ended[name]) == sha256(local_work("0 1 20")))
    failed = placed(ended["d fails"])
    check("the failing job shows its exit code", ended["d fails"]["state"] == "failed"
          and failed["report"]["executors"][-1]["exit_code"] == 3
          and "no such reactor" in failed["report"]["executors"][-1]["stderr_tail"])
    check("the canceled job is canceled", ended["d cancel"]["state"] == "canceled")
    check("the job for nobody is refused at once", ended["d nobody"]["state"] == "unroutable")
    by_index = {task["array_index"]: task for task in tasks}
    check(f"all {TASKS} tasks ended once", len(tasks) == TASKS and len(by_index) == TASKS
          and all(task["state"] == "succeeded" for task in tasks))
    check("every task's result is right", all(digest(by_index[i]) == expected[i] for i in by_index))
    sites = {placed(task)["site"] for task in tasks if placed(task)}
    check("the array spread over the sites", len(sites) >= 2)
    check("the job whose site died ended elsewhere", ended["e killed"]["state"] == "succeeded"
          and placed(ended["e killed"])["site"] != first_site)
    check("and its result is right", digest(ended["e killed"]) == sha256(b"survived\n"))

    rows = [row(broker, name, job) for name, job in ended.items()]
    spread = ", ".join(f"{site} {sum(1 for t in tasks if placed(t) and placed(t)['site'] == site)}"
                       for site in sorted(sites))
    cost = sum(float(task["cost"]) for task in tasks)
    rows.insert(len(rows) - 1, [f"c array of {TASKS}", "succeeded", spread, "filled as capacity went",
                                f"charged ${trim(cost)}", "-", "-",
                                sha256("".join(digest(by_index[i]) for i in sorted(by_index)).encode())[:12]])
    print_table(rows)
    print(f"\n{len(rows)} kinds of work in {seconds:.0f} s; every digest was compared with one computed on this machine")
    for each in check.failed:
        print(f"NOT AS SAID: {each}")
    return 1 if check.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except urllib.error.HTTPError as error:
        raise SystemExit(f"the broker answered {error.code}: {error.read().decode(errors='replace')}")
