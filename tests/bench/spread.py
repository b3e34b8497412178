#!/usr/bin/env python3
"""How fast records spread among real gateways, and what that costs, beside as many agents of serf. Prints JSON lines.

Usage: spread.py COUNT [--quick]

COUNT gateways with one broker, all real processes on loopback, then COUNT agents of serf where the program is there.
A gateway's site file is changed and the gateway told to read it, the way an operator does it; what reaches whom is read
from the gateways' logs, by the machine's one clock. An agent gets an event or a tag through its RPC; events are seen
through every agent's stream of them, tags by asking five agents.
"""
import bisect
import collections
import datetime
import json
import os
import pathlib
import random
import re
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/federation"))
sys.dont_write_bytecode = True

import serf_agents  # noqa: E402
from federation import Federation, until  # noqa: E402

PERIOD = 2.0     # seconds between a site's changes when all change
OBSERVERS = 5
EVENT_BYTES = 320
LOG_STEP = 0.001   # seconds; logs round down


def percentile(values, part):
    values = sorted(values)
    return values[int((len(values) - 1) * part)]


def show(metric, value, unit, spread=None, goal=None):
    print(json.dumps({"metric": metric, "value": round(value, 4), "unit": unit,
                      "spread": spread and [round(each, 4) for each in spread],
                      "goal": None if goal is None else f"<= {goal:.3g}",
                      "holds": None if goal is None else value <= goal}), flush=True)


def show_all(metric, values, unit, goal=None):
    show(metric + ", median", statistics.median(values), unit, [min(values), max(values)], goal)


def seconds_of_processor(pids):
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024 / 1e6


def loopback_bytes():
    line, = (each for each in pathlib.Path("/proc/net/dev").read_text().splitlines() if each.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[8])


class Cost:
    """What processes take while something goes on."""

    def __init__(self, pids):
        self.pids = pids
        self.began, self.processor, self.bytes = time.monotonic(), seconds_of_processor(pids), loopback_bytes()

    def show(self, name, goal=None):
        taken = (time.monotonic() - self.began) * len(self.pids)
        show(name + "processor", (seconds_of_processor(self.pids) - self.processor) / taken * 100, "% of a core",
             goal=goal)
        show(name + "sent, with headers", (loopback_bytes() - self.bytes) / taken / 1000, "kB/s")


def show_memory(name, pids, goal=None):
    sizes = [resident_mb(pid) for pid in pids]
    show(name + "resident memory, largest", max(sizes), "MB", [min(sizes), max(sizes)], goal)


def stale(issued, held, at):
    """Seconds since when a view that holds version `held` at `at` is not the newest; issued: [(time, version)]."""
    newer = [when for when, version in issued if version > held and when <= at]
    return at - newer[0] if newer else 0.0


def show_stale(name, ages, goal=None):
    show(name + "views that are not the newest", sum(each > 0 for each in ages) / len(ages) * 100, "%")
    show(name + "staleness, p90", percentile(ages, 0.9), "s")
    show(name + "staleness, p99", percentile(ages, 0.99), "s", [0, max(ages)], goal)


# --- ours ------------------------------------------------------------------------------------------------------------

LINE = re.compile(r"(\S+) debug record\.accepted node=site/(\S+) kind=(\w+) version=(\d+)\.(\d+) valid_until_ms=(\d+)")
Taken = collections.namedtuple("Taken", "at site kind version valid_until")


def site_name(number):
    return f"region-{number % 10}-s{number:03}"


class Gateways(Federation):
    def __init__(self, count):
        self.names = [site_name(number) for number in range(count)]
        self.quota, self.price, self.offsets = {}, {}, {}
        self.files = tempfile.TemporaryDirectory()
        for name in self.names:
            self.write_site(pathlib.Path(self.files.name) / f"{name}.toml", name)
        super().__init__(sites=self.files.name, env={"TRADEWIND_LOG_LEVEL": "debug"})

    def replay(self):
        pass  # no job, no decision

    def write_site(self, path, name):
        pools = "".join(f"""
[[pool]]
id = "{pool}"
architecture = "amd64"
nodes = 10
node = {{ cpus = 10, memory_gib = 10, disk_gib = 80 }}
tariff = {{ cpu_hour = "{self.price.get(name, 0.05):.4f}", gib_hour = "0.005" }}
""" for pool in ("cpu-small", "cpu-large", "cpu-fast", "cpu-spare"))
        quota = f"quota_wh = {self.quota[name]}" if name in self.quota else ""
        new = path.with_suffix(".new")
        new.write_text(f"""[site]
id = "{name}"
region = "{name.rsplit("-", 1)[0]}"
jurisdiction = "JP"
provider = "Benchmark"
[link]
listen = "tcp://127.0.0.1:0"
{pools}
[energy]
{quota}
[engine]
kind = "process"
sandbox = "none"
""")
        new.rename(path)

    def pids(self):
        return [self.pid(name) for name in self.names]

    def change(self, name):
        self.write_site(self.dir / "sites" / name / "site.toml", name)
        at = time.time()
        os.kill(self.pid(name), 1)
        return at

    def change_price(self, name):
        self.price[name] = self.price.get(name, 0.05) * 1.1
        return self.change(name)

    def change_sheet(self, name):
        # Without energy left a site quotes nothing free.
        if self.quota.pop(name, None) is None:
            self.quota[name] = 0
        return self.change(name)

    def news(self, observer):
        """What it has taken since it was asked last, in order."""
        with open(self.dir / "log" / f"{observer}.out", errors="replace") as log:
            log.seek(self.offsets.get(observer, 0))
            text = log.read()
            text = text[:text.rfind("\n") + 1]
            self.offsets[observer] = self.offsets.get(observer, 0) + len(text.encode())
        found = []
        for at, site, kind, epoch, version, until_ms in LINE.findall(text):
            found.append(Taken(datetime.datetime.fromisoformat(at).timestamp(), site, kind,
                               (int(epoch), int(version)), int(until_ms) / 1000))
        return found

    def spread(self, name, kind, change):
        """Seconds until each other gateway has taken what a change of this one publishes."""
        for each in self.names:
            self.news(each)
        at = change(name)
        missing, own, taken = set(self.names), None, {}
        deadline = time.time() + 20
        while missing and time.time() < deadline:
            time.sleep(0.25)
            for observer in [name] if own is None else sorted(missing):
                for each in self.news(observer):
                    if each.site != name or each.kind != kind or each.at <= at - LOG_STEP:
                        continue
                    if observer == name:
                        own = each
                    if own and each.version >= own.version:
                        taken.setdefault(observer, max(0.0, each.at - at))
                        missing.discard(observer)
        assert not missing, f"{name}'s {kind} has not reached {missing}"
        return taken.pop(name), list(taken.values())


def ours(count, quick, event_goal):
    name = f"{count} gateways: "
    with Gateways(count) as gateways:
        time.sleep(3 if quick else 10)
        cost = Cost(gateways.pids())
        time.sleep(5 if quick else 20)
        cost.show(name + "idle: ", 0.5)
        chosen = random.Random(1)
        for kind, change in (("site", gateways.change_price), ("quote", gateways.change_sheet)):
            own, each_member, last = [], [], []
            for _ in range(3 if quick else 20):
                time.sleep(chosen.uniform(0.5, 1.5))
                published, taken = gateways.spread(chosen.choice(gateways.names), kind, change)
                own.append(published)
                each_member += taken
                last.append(max(taken))
            what = name + ("a price, in a site record: " if kind == "site" else "free units, in a sheet: ")
            show_all(what + "to the last member", last, "s", event_goal)
            show(what + "to a member, p50", percentile(each_member, 0.5), "s")
            show(what + "to a member, p99", percentile(each_member, 0.99), "s")
            show_all(what + "from SIGHUP to published", own, "s")
        churn(gateways, name + "all change each 2 s: ", 8 if quick else 40)
        show_memory(name, gateways.pids(), 40)
        kills(gateways, name, 1 if quick else 3)


def churn(gateways, name, seconds):
    for each in gateways.names:
        gateways.news(each)
    cost = Cost(gateways.pids())
    signalled = collections.defaultdict(list)
    begin, count, step = time.time(), len(gateways.names), 0
    while time.time() < begin + seconds:
        at = begin + step * PERIOD / count
        time.sleep(max(0.0, at - time.time()))
        site = gateways.names[step % count]
        signalled[site].append(gateways.change_sheet(site))
        step += 1
    end = time.time()
    cost.show(name)
    time.sleep(0.5)
    issued, delays = {}, []
    taken = {each: gateways.news(each) for each in gateways.names}
    for site in gateways.names:
        issued[site], unused = [], list(signalled[site])
        for each in taken[site]:
            if each.site != site or each.kind != "quote":
                continue
            at = each.at
            # The newest change before it, unless an earlier sheet told of it already.
            before = [when for when in unused if when < each.at + LOG_STEP]
            if before:
                at = before[-1]
                unused = unused[len(before):]
                delays.append(max(0.0, each.at - before[-1]))
            issued[site].append((at, each.version))
    show(name + "changes published", len(delays) / count / seconds * PERIOD * 100, "% of those made")
    show(name + "from SIGHUP to published, p99", percentile(delays, 0.99), "s", [min(delays), max(delays)])
    ages = []
    for observer in gateways.names[::max(1, count // OBSERVERS)][:OBSERVERS]:
        views = collections.defaultdict(lambda: ([], []))
        for each in taken[observer]:
            if each.kind == "quote":
                views[each.site][0].append(each.at)
                views[each.site][1].append(each.version)
        for site in gateways.names:
            if site == observer:
                continue
            times, versions = views[site]
            at = begin + seconds / 3
            while at < end:
                place = bisect.bisect_right(times, at)
                ages.append(stale(issued[site], versions[place - 1] if place else (0, 0), at))
                at += 0.1
    show_stale(name, ages, 2.5)


def kills(gateways, name, times):
    gone, over = [], []
    for each in gateways.names[:times]:
        for observer in gateways.names:
            gateways.news(observer)
        time.sleep(6)  # a sheet of it at least
        at = time.time()
        gateways.kill(each)

        def offered():
            found = gateways.operator.get(f"/v1/offers?site={each}")["offers"]
            return any(one["site"] == each and one["quote_valid"] for one in found)
        until(lambda: not offered(), 30)
        gone.append(time.time() - at)
        ends = [max((one.valid_until for one in gateways.news(observer) if one.site == each and one.kind == "quote"),
                    default=0) for observer in gateways.names if observer != each]
        over.append(max(ends) - at)
    show_all(name + "killed, until the broker offers it no more", gone, "s", 15)
    show_all(name + "killed, until its last sheet is over at every gateway", over, "s", 15)


# --- serf ------------------------------------------------------------------------------------------------------------


def serf(count, profile, quick):
    """Returns the median of an event's way to the last member."""
    name = f"{count} serf agents, {profile}: "
    with serf_agents.Agents(count, profile) as agents:
        pids = [each.pid for each in agents.processes.values()]
        time.sleep(3 if quick else 10)
        cost = Cost(pids)
        time.sleep(5 if quick else 20)
        cost.show(name + "idle: ")
        chosen = random.Random(1)
        each_member, last, missed = [], [], 0
        for number in range(3 if quick else 20):
            time.sleep(chosen.uniform(0.5, 1.5))
            sender = chosen.choice(agents.names)
            at = agents.event(sender, f"e{number}")
            deadline = time.monotonic() + 8
            while len(agents.arrived.get(f"e{number}", ())) < count and time.monotonic() < deadline:
                time.sleep(0.1)
            taken = [when - at for agent, when in agents.arrived[f"e{number}"].items() if agent != sender]
            missed += count - 1 - len(taken)
            each_member += taken
            last.append(max(taken))
        show_all(name + "an event: to the last member", last, "s")
        show(name + "an event: to a member, p50", percentile(each_member, 0.5), "s")
        show(name + "an event: to a member, p99", percentile(each_member, 0.99), "s")
        show(name + "an event: members it did not reach", missed, "")
        serf_churn(agents, name + "all change each 2 s: ", pids, 12 if quick else 40)
        show_memory(name, pids)
        serf_kills(agents, name, 1 if quick else 3)
    return statistics.median(last)


def serf_churn(agents, name, pids, seconds):
    issued, calls, ages = collections.defaultdict(list), [], []
    stop = threading.Event()

    def change(agent, offset):
        rpc = agents.rpc(agent)
        due, value = time.monotonic() + offset, 0
        while not stop.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + PERIOD, time.monotonic())
            value += 1
            at = time.monotonic()
            issued[agent].append((at, value))
            error, _ = rpc.call("tags", {"Tags": {"v": f"{value:08}" + "x" * (EVENT_BYTES - 8)}})
            calls.append((time.monotonic() - at, error))
        rpc.close()

    cost = Cost(pids)
    begin = time.monotonic()
    threads = [threading.Thread(target=change, args=(each, PERIOD * number / len(agents.names)), daemon=True)
               for number, each in enumerate(agents.names)]
    for each in threads:
        each.start()
    observers = agents.names[::max(1, len(agents.names) // OBSERVERS)][:OBSERVERS]
    while time.monotonic() < begin + seconds:
        for observer in observers:
            at = time.monotonic()
            for agent, (tags, _) in agents.tags(observer).items():
                if agent != observer and at > begin + seconds / 3:
                    ages.append(stale(issued[agent], int(tags.get(b"v", b"0")[:8]), at))
        time.sleep(0.25)
    cost.show(name)
    stop.set()
    for each in threads:
        each.join(10)
    taken = [each for each, _ in calls]
    show(name + "changes taken by the agent", len(calls) / len(agents.names) / seconds * PERIOD * 100, "% of those wanted")
    show(name + "the call, median", statistics.median(taken), "s", [min(taken), max(taken)])
    show(name + "calls that failed", sum(bool(error) for _, error in calls) / len(calls) * 100, "%")
    show_stale(name, ages)


def serf_kills(agents, name, times):
    gone = []
    time.sleep(6)
    for each in agents.names[1:1 + times]:
        at = time.monotonic()
        agents.processes[each].kill()
        agents.processes[each].wait()
        observers = [one for one in agents.names if agents.processes[one].poll() is None]
        while observers and time.monotonic() < at + 120:
            observers = [one for one in observers if agents.tags(one)[each][1] == b"alive"]
            time.sleep(0.1)
        gone.append(time.monotonic() - at)
    show_all(name + "killed, until all know", gone, "s")


def main():
    count, quick = int(sys.argv[1]), "--quick" in sys.argv
    median = None
    if serf_agents.PROGRAM:
        median = serf(count, "lan", quick)
    else:
        print("serf is not installed (apt-get install serf): its figures are left out", file=sys.stderr)
    ours(count, quick, median)


if __name__ == "__main__":
    main()
