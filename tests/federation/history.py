"""What clients asked and were told, and whether that and the ledger of runs are as the invariants say.

A `History` asks as a careful client does: each request under an idempotency key, again and again until it is answered.
It keeps all answers. `check_history` then needs nothing but those and the `Ledger` of runs; it asks nobody.
"""
import collections
import http.client
import itertools
import time
import urllib.error
import uuid

from federation import FINAL, Answer, until

GONE = (urllib.error.URLError, http.client.HTTPException, OSError, TimeoutError)
OVERHEAD_SECONDS = 10  # of a run beside its command: sandbox, start and end, on a busy machine


class History:
    def __init__(self, client):
        self.client = client
        self.name = uuid.uuid4().hex
        self.requests = {}  # number -> document
        self.answers = []  # (time, number, id of the job or array)
        self.seen = []  # (time, the job as it was told)
        self._numbers = itertools.count(1)

    def submit(self, document, seconds=60, keyed=True):
        """Submits it once, however often it takes to be told so. The id of the job or the array."""
        number = next(self._numbers)
        document = {**document, "tags": {**document.get("tags", {}), "request": f"{self.name}-{number}"}}
        self.requests[number] = document
        return self.ask(number, seconds, keyed)

    def ask(self, number, seconds=60, keyed=True):
        """Asks for the request of this number, as for the first time, or again."""
        def once():
            try:
                return self.client.submit(self.requests[number], key=f"{self.name}-{number}" if keyed else None)
            except Answer as answer:
                if answer.status in (429, 503):
                    return None
                raise
            except GONE:
                return None
        job = until(once, seconds)
        self.answers.append((time.monotonic(), number, job))
        return job

    def settle(self, seconds=60):
        """Waits until each request's jobs have ended, as told by the broker; keeps what it tells then."""
        deadline = time.monotonic() + seconds
        for number, document in self.requests.items():
            count = document.get("array", {}).get("count", 1)

            def ended():
                jobs = self.client.all_jobs(f"&tag=request:{self.name}-{number}")
                over = [each for each in jobs if each["state"] in FINAL]
                return jobs if len(over) >= count and len(over) == len(jobs) else None
            for job in until(ended, max(1, deadline - time.monotonic()),
                             lambda: f"request {number} has not ended: "
                                     f"{self.client.all_jobs(f'&tag=request:{self.name}-{number}')}"):
                self.see(job["id"])

    def see(self, job):
        """Once the broker is there to tell: it may die at any moment."""
        self.seen.append((time.monotonic(), until(lambda: self.client.job(job), 60)))


def number_of(job):
    return int(job["tags"]["request"].split("-")[1])


def runs_of(ledger):
    """(job, attempt) -> [site, first sign of life, last sign of life, whether it came to its end]."""
    runs = {}
    for at, what, job, attempt, site in list(ledger.lines):
        run = runs.setdefault((job, int(attempt)), [site, at, at, False])
        run[2] = at
        run[3] |= what == "end"
    return runs


def nothing_lost(history, ledger):
    """I1: each request that was answered has the jobs that were asked for, no more; each has ended, and stays as it ended."""
    jobs = collections.defaultdict(set)
    final = {}
    for _, job in history.seen:
        jobs[number_of(job)].add(job["id"])
        before = final.setdefault(job["id"], job["state"])
        if before in FINAL and before != job["state"]:
            yield f"{job['id']} was {before} and became {job['state']}"
        final[job["id"]] = job["state"]
    for _, number, told in history.answers:
        count = history.requests[number].get("array", {}).get("count", 1)
        if len(jobs[number]) != count:
            yield f"request {number} asked for {count} jobs and made {len(jobs[number])}: {sorted(jobs[number])}"
        if not any(each == told or each.startswith(told + "-") for each in jobs[number]):
            yield f"{told}, acknowledged for request {number}, does not exist"
    finished = {job for (job, _), run in runs_of(ledger).items() if run[3]}
    for job, state in final.items():
        if state not in FINAL:
            yield f"{job} has not ended: {state}"
        if state == "succeeded" and job not in finished:
            yield f"{job} succeeded, but no run of it came to its end"


def nothing_twice(history, ledger):
    """I2: no two runs of a job overlap, none begins after its success was told, and one result is taken."""
    runs = collections.defaultdict(list)
    for (job, attempt), (_, first, last, _) in runs_of(ledger).items():
        runs[job].append((first, last, attempt))
    for job, each in runs.items():
        each.sort()
        for (_, last, one), (first, _, other) in zip(each, each[1:]):
            if first < last:
                yield f"{job}: attempt {other} began {last - first:.2f} s before attempt {one} was over"
    for at, job in history.seen:
        taken = [each for each in job["attempts"] if each.get("report", {}).get("code") == "succeeded"]
        if len(taken) > 1:
            yield f"{job['id']}: {len(taken)} results were taken"
        if job["state"] == "succeeded":
            for first, _, attempt in runs[job["id"]]:
                if first > at:
                    yield f"{job['id']}: attempt {attempt} began after the success was told"
    starts = collections.Counter((line[2], line[3]) for line in ledger.lines if line[1] == "start")
    for (job, attempt), count in starts.items():
        if count > 1:
            yield f"{job}#{attempt} was started {count} times"


def nothing_oversold(history, ledger, cpus):
    """I3: at no instant do the runs at a site hold more CPUs than it has; `cpus` says how many those are."""
    wants = {}
    for _, job in history.seen:
        wants[job["id"]] = job["spec"]["resources"]["cpus"] * job["spec"]["nodes"]
    changes = collections.defaultdict(list)
    for (job, _), (site, first, last, _) in runs_of(ledger).items():
        changes[site] += [(first, wants.get(job, 1)), (last, -wants.get(job, 1))]
    for site, each in changes.items():
        held = 0
        for at, change in sorted(each):
            held += change
            if held > cpus[site]:
                yield f"{site}: runs held {held} CPUs at {at:.3f}, it has {cpus[site]}"


def micros(text):
    whole, _, part = text.partition(".")
    return int(whole) * 1_000_000 + int((part + "000000")[:6])


def money_conserved(history, ledger):
    """I6: an attempt costs its rate times its time, that time is the run's, and a job costs what its attempts cost."""
    runs = runs_of(ledger)
    for _, job in history.seen:
        charged = 0
        numbers = [each["number"] for each in job["attempts"]]
        if len(set(numbers)) != len(numbers):
            yield f"{job['id']}: an attempt is billed twice: {numbers}"
        for attempt in job["attempts"]:
            report = attempt.get("report")
            if not report:
                continue
            charged += micros(report["charge"])
            seconds = report["usage"]["wall_seconds"]
            due = micros(attempt["rate_per_hour"]) * seconds / 3600
            free = report["code"] in ("engine_failed", "interrupted")  # by the site itself: it costs nothing
            if free:
                due = 0
            if not -1 <= micros(report["charge"]) - due <= 1:
                yield f"{job['id']}#{attempt['number']}: charged {report['charge']} for {seconds} s at " \
                      f"{attempt['rate_per_hour']} an hour"
            run = runs.get((job["id"], attempt["number"]))
            if run and not free and not run[2] - run[1] - 1 <= seconds <= run[2] - run[1] + OVERHEAD_SECONDS:
                yield f"{job['id']}#{attempt['number']}: billed {seconds} s, it ran {run[2] - run[1]:.2f} s " \
                      f"until {report['code']}"
        if abs(micros(job.get("cost", "0")) - charged) > 0:
            yield f"{job['id']}: costs {job.get('cost')}, its attempts {charged} millionths"


def violations(history, ledger, cpus):
    return [*nothing_lost(history, ledger), *nothing_twice(history, ledger), *nothing_oversold(history, ledger, cpus),
            *money_conserved(history, ledger)]


def check_history(history, ledger, cpus):
    found = violations(history, ledger, cpus)
    assert not found, "\n".join(found)
