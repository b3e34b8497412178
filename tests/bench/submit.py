"""How fast jobs are taken in, and what others make of the same documents: the benchmark `submit` of tests/bench/run.

Everything runs on one machine: the broker with three sample sites, the load, and each peer by itself, one after the
other, all on the disk that TMPDIR, or else /tmp, is on. Peers that are not installed are left out with a word.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from running import running

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "deploy"))
from free_ports import free_ports

CLIENTS = 64
TICK = os.sysconf("SC_CLK_TCK")


def row(metric, value, unit, spread=None, goal=None, holds=None):
    return {"metric": metric, "value": value, "unit": unit, "spread": spread, "goal": goal, "holds": holds}


# Clients are on machines of their own elsewhere: here, no client of whatever server takes the processor from it each time
# that an answer arrives (sched(7)).
LOAD = ("chrt", "--batch", "0")


def loaded(program, *words):
    done = subprocess.run([*LOAD, str(program), *map(str, words)], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


# --- ours ----------------------------------------------------------------------------------------

def threads(pid):
    """Processor seconds of the process's threads, by name."""
    used = {}
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name, rest = stat.read_text().split("(", 1)[1].rsplit(") ", 1)
            fields = rest.split()
            used[name] = used.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICK
    return used


def wait_published(federation, seconds):
    """Until the newest checkpoint covers all that is written; how long that took."""
    start = time.monotonic()
    while True:
        status = federation.auditor.get("/v1/audit/status")
        entries = federation.metric("tradewind_journal_entries")
        if status.get("checkpoint", {"size": 0})["size"] >= entries:
            return time.monotonic() - start
        if time.monotonic() - start > seconds:
            raise AssertionError(f"{entries} entries are not published within {seconds} s: {status}")
        time.sleep(0.05)


def measured(federation, what, jobs_before, load):
    """The load's rows, what each thread of the broker took for a job, and how far behind the log was."""
    pid = federation.pid("broker")
    before = threads(pid)
    found = load()
    published = wait_published(federation, 120)
    jobs = federation.metric("tradewind_jobs_submitted_total") - jobs_before
    after = threads(pid)
    for name in sorted(after, key=lambda each: before.get(each, 0) - after[each]):
        micros = 1e6 * (after[name] - before.get(name, 0)) / jobs
        if micros >= 0.1:
            found.append(row(f"{what}: processor of the broker's {name}, each", micros, "us"))
    micros = 1e6 * (sum(after.values()) - sum(before.values())) / jobs
    found.append(row(f"{what}: processor of the broker, each", micros, "us"))
    found.append(row(f"{what}: from the last answer to a checkpoint over all", published, "s"))
    return found


def ours(programs, quick):
    os.environ["TRADEWIND_BIN"] = str(programs)
    from federation import Federation

    class Loaded(Federation):
        def replay(self):
            """Not of millions of jobs that nobody has given a place."""

        def metric(self, name):
            text = self.operator.raw("GET", "/metrics")[1].decode()
            return float(re.search(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.M).group(1))

    program = programs / "bench_submit"
    found = []
    for kind, connections, seconds, rounds in (("batch", 4, 1 if quick else 5, 3 if quick else 5),
                                               ("single", CLIENTS, 1 if quick else 5, 3 if quick else 5),
                                               ("single", 1, 1 if quick else 2, 3)):
        with Loaded() as federation:
            port = federation.url.rsplit(":", 1)[1]
            what = "batches" if kind == "batch" else f"one by one, {connections}"
            loaded(program, kind, port, federation.user.token, connections, 0.2, 1)  # warm
            wait_published(federation, 60)
            found += measured(federation, what, federation.metric("tradewind_jobs_submitted_total"),
                              lambda: loaded(program, kind, port, federation.user.token, connections, seconds, rounds))
    return found


# --- peers ---------------------------------------------------------------------------------------

def wait_for(port, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"nobody listens on port {port}")
        time.sleep(0.05)


def lacks(name, *wanted):
    """Says so when one of the programs is not there."""
    missing = [each for each in wanted if not shutil.which(each)]
    if missing:
        print(f"{name} is left out: there is no {missing[0]}")
    return bool(missing)


def of_rounds(metric, rates):
    rates = sorted(rates)
    return row(metric, statistics.median(rates), "1/s", [rates[0], rates[-1]])


def postgresql(folder, document, seconds, rounds):
    name = f"PostgreSQL, {CLIENTS} connections: inserted"
    binaries = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries or not (binaries[-1] / "initdb").exists():
        print("PostgreSQL is left out: there is no initdb")
        return []
    if lacks("PostgreSQL", "pgbench", "setpriv"):
        return []
    binary, data, (port,) = binaries[-1], folder / "data", free_ports(1)
    # It does not run as root.
    user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "cwd": folder}
    subprocess.run([*user, binary / "initdb", "-D", data, "-A", "trust", "-U", "bench"], **quiet)
    with running(*user, binary / "postgres", "-D", data, "-p", port, "-k", folder, "-c", "listen_addresses=127.0.0.1",
                 "-c", "synchronous_commit=on", "-c", "max_connections=100", "-c", "shared_buffers=512MB", cwd=folder):
        wait_for(port)
        there = ["-h", "127.0.0.1", "-p", str(port), "-U", "bench"]
        deadline = time.monotonic() + 20
        while subprocess.run([binary / "pg_isready", *there], stdout=subprocess.DEVNULL).returncode != 0:
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.1)
        subprocess.run([binary / "psql", *there, "-c",
                        "create table job (id bigserial primary key, document text not null)", "postgres"], **quiet)
        script = folder / "insert.sql"
        script.write_text("insert into job (document) values (:document) returning id;\n")
        rates = []
        for _ in range(rounds):
            done = subprocess.run([*LOAD, "pgbench", *there, "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T",
                                   str(max(4, int(seconds))), "-f", script, "-D", f"document={document}", "postgres"], stdout=subprocess.PIPE,
                                  text=True, check=True)
            rates.append(float(re.search(r"tps = ([0-9.]+)", done.stdout).group(1)))
    return [of_rounds(name, rates)]


def redis(folder, document, seconds, rounds):
    if lacks("Redis", "redis-server", "redis-benchmark"):
        return []
    port, = free_ports(1)
    with running("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes",
                 "--appendfsync", "always", "--save", ""):
        wait_for(port)
        rates = []
        for _ in range(rounds):
            done = subprocess.run([*LOAD, "redis-benchmark", "-p", str(port), "-c", str(CLIENTS), "-n", str(int(60_000 * seconds)),
                                   "-r", "1000000000", "--csv", "set", "job:__rand_int__", document],
                                  stdout=subprocess.PIPE, text=True, check=True)
            # The command, requests a second, then six latencies.
            rates.append(float(re.findall(r'"([0-9.]+)"', done.stdout.splitlines()[-1])[-7]))
    return [of_rounds(f"Redis, appendfsync always, {CLIENTS} connections: set", rates)]


def nats(folder, program, seconds, rounds):
    if lacks("NATS JetStream", "nats-server"):
        return []
    port, = free_ports(1)
    with running("nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd", folder):
        wait_for(port)
        return [each for each in loaded(program, "nats", port, CLIENTS, seconds, rounds) if each["unit"] == "1/s"]


GO_LIBRARIES = pathlib.Path("/usr/share/gocode/src")


def etcd(folder, document, seconds, rounds):
    if lacks("etcd", "etcd", "go"):
        return []
    if not (GO_LIBRARIES / "go.etcd.io/etcd/clientv3").exists():
        print("etcd is left out: there is no golang-etcd-server-dev to build a client with")
        return []
    source = pathlib.Path(__file__).parent / "etcd_client"
    go = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "cache"),
          "HOME": str(folder)}
    subprocess.run(["go", "build", "-o", folder / "client", "main.go"], cwd=source, env=go, check=True)
    port, peer = free_ports(2)
    with running("etcd", "--data-dir", folder / "data", "--listen-client-urls", f"http://127.0.0.1:{port}",
                 "--advertise-client-urls", f"http://127.0.0.1:{port}", "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                 "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                 "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--quota-backend-bytes", str(8 << 30)):
        wait_for(port)
        time.sleep(2)  # its election
        done = subprocess.run([*LOAD, folder / "client", str(port), str(CLIENTS), str(seconds), str(rounds), document],
                              stdout=subprocess.PIPE, text=True, check=True)
        rates = [float(each) for each in done.stdout.split()]
    return [of_rounds(f"etcd, {CLIENTS} clients: put", rates)]


def peers(programs, quick):
    seconds, rounds = (1, 3) if quick else (4, 5)
    program = programs / "bench_submit"
    document = subprocess.run([str(program), "documents", "1"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
    found = []
    for name, run in (("postgresql", lambda folder: postgresql(folder, document, seconds, rounds)),
                      ("etcd", lambda folder: etcd(folder, document, seconds, rounds)),
                      ("nats", lambda folder: nats(folder, program, seconds, rounds)),
                      ("redis", lambda folder: redis(folder, document, seconds, rounds))):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"tradewind-bench-{name}-"))
        try:
            found += run(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return found


# --- side by side --------------------------------------------------------------------------------

def ratios(found):
    rate = {row["metric"]: row["value"] for row in found if row["unit"] == "1/s"}

    def first(beginning):
        return next((value for metric, value in rate.items() if metric.startswith(beginning)), None)

    batches, singles = first("jobs in batches"), first(f"jobs one by one, {CLIENTS}")
    said = []
    for peer in ("PostgreSQL", "etcd", "NATS JetStream", "Redis"):
        theirs = first(peer)
        if not theirs:
            continue
        said.append(row(f"batches to {peer}", batches / theirs, "times", None, ">= 1", batches >= theirs))
        judged = peer in ("PostgreSQL", "etcd")
        said.append(row(f"one by one to {peer}", singles / theirs, "times", None, ">= 1" if judged else None,
                        singles >= theirs if judged else None))
    return said


def submit(programs, quick):
    found = ours(programs, quick) + peers(programs, quick)
    return found + ratios(found)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "federation"))
    for each in ours(pathlib.Path(sys.argv[1]), "--quick" in sys.argv):
        print(json.dumps(each))
