"""What a federation adds to a Slurm: jobs from the endpoint beside the same jobs given to slurmrestd itself, in turns, on
one private cluster. Prints one figure a line; the spread of times is their quartiles.

From submission to running, each time with a job that sleeps: at the endpoint until the endpoint says "running", which is
when the job's own command has started; at slurmrestd until Slurm says RUNNING, which is before that. The sustained rate is
of jobs that sleep, several times as many as there are CPUs to hold them, from the first submission to the last end. It is
bounded by the cluster's size, as at a real centre; and on one machine the nodes' share of the work is done by the same
processors as everything else. Slurm has all jobs in its queue at once. An endpoint gives a site what it has free, and hears
of that once a second: short jobs leave their CPUs idle for a larger share of the time. The goal is for jobs of ten seconds.

Then what a gateway takes for 10,000 attempts, by slurmrestd and by Slurm's commands, whose own time counts too. All of them
wait in Slurm's queue, in a partition that starts nothing: no machine of this kind runs 10,000 jobs. For the gateway that is
the same but for the news of attempts that begin and end: their leases are renewed, and their jobs stand in the list that it
asks for. How often it does so, Slurm tells.
"""
import json
import os
import pathlib
import re
import statistics
import sys
import time

from federation import FINAL, Federation, shell_job, until
from slurm_sites import slurm_cluster, slurm_sites

POLL = 0.005
CPUS = 12
LENGTHS = {10: ">= 0.9", 2: None}  # of jobs in seconds, and the goal


def direct_job(seconds):
    return {"script": f"#!/bin/sh\nexec sleep {seconds}\n",
            "job": {"name": "direct", "partition": "main", "current_working_directory": "/",
                    "environment": {"PATH": "/usr/bin:/bin"}, "standard_output": "/dev/null",
                    "standard_error": "/dev/null", "nodes": 1, "tasks": 1, "cpus_per_task": 1, "memory_per_node": 256,
                    "time_limit": 5, "no_requeue": True}}


def until_running(look, states):
    while look() not in states:
        time.sleep(POLL)


def direct_start(slurm):
    begun = time.monotonic()
    job = slurm.rest("POST", "job/submit", direct_job(1))["job_id"]
    until_running(lambda: slurm.rest("GET", f"job/{job}")["jobs"][0]["job_state"], ("RUNNING", "COMPLETED"))
    return time.monotonic() - begun


def endpoint_start(user):
    begun = time.monotonic()
    job = user.submit(shell_job("sleep 1"))
    until_running(lambda: user.job(job)["state"], ("running", "finishing", *FINAL))
    return time.monotonic() - begun


def direct_rate(slurm, count, seconds):
    begun = time.monotonic()
    jobs = {slurm.rest("POST", "job/submit", direct_job(seconds))["job_id"] for _ in range(count)}
    while any(each["job_id"] in jobs and each["job_state"] in ("PENDING", "RUNNING", "COMPLETING")
              for each in slurm.rest("GET", "jobs")["jobs"]):
        time.sleep(0.1)
    return count / (time.monotonic() - begun)


def endpoint_rate(user, count, seconds):
    # Slurm, too, knows that it is idle when it begins.
    until(lambda: user.get("/v1/offers")["offers"][0]["units_free"] == 2 * CPUS, 30)
    begun = time.monotonic()
    document = shell_job(f"sleep {seconds}")
    array = user.call("POST", "/v1/jobs", {**document, "array": {"count": count}})["id"]
    states = user.wait_array(array, count, seconds=600)
    assert states["succeeded"] == count, states
    return count / (time.monotonic() - begun)


def cpu_seconds(pid):
    """Of a process, and of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def lists_asked_for(slurm):
    """How many lists of jobs and of nodes slurmctld has been asked for."""
    counts = dict(re.findall(r"(REQUEST_\w+)\s*\(\s*\d+\) count:(\d+)", slurm.run("sdiag")))
    return [int(counts.get(each, 0)) for each in ("REQUEST_JOB_INFO", "REQUEST_NODE_INFO")]


def many(count, seconds, rounds, by_commands):
    with slurm_sites(1, nodes=2, cpus=count // 2 + 8, gib=count // 2, by_commands=by_commands) as (sites, clusters), \
            Federation(sites, env={"TRADEWIND_LEASE_SECONDS": "60", "TRADEWIND_LOG_LEVEL": "warn"}) as federation:
        (site, slurm), = clusters.items()
        slurm.run("scontrol", "update", "partitionname=main", "state=down")
        array = federation.user.call("POST", "/v1/jobs", {**shell_job("true"), "array": {"count": count}})["id"]
        until(lambda: len(slurm.run("squeue", "-h", "-o", "%A").split()) == count, 900)
        shares, asked = [], []
        for _ in range(rounds):
            before = lists_asked_for(slurm)
            used, begun = cpu_seconds(federation.pid(site)), time.monotonic()
            time.sleep(seconds)
            shares.append((cpu_seconds(federation.pid(site)) - used) / (time.monotonic() - begun) * 100)
            asked.append([now - then for now, then in zip(lists_asked_for(slurm), before)])
        states = federation.user.get(f"/v1/arrays/{array}")["states"]
        assert states["dispatching"] == count, states
        way = "Slurm's commands" if by_commands else "slurmrestd"
        share = round(statistics.median(shares), 2)
        figure(f"gateway's CPU, {count} attempts queued, by {way}", share, "%",
               [round(min(shares), 2), round(max(shares), 2)], "<= 5", share <= 5)
        jobs, nodes = (sum(each) for each in zip(*asked))
        figure(f"lists of jobs and of nodes asked for in {seconds * rounds} s, by {way}", jobs + nodes, "", [jobs, nodes])


def figure(metric, value, unit, spread, goal=None, holds=None):
    print(json.dumps({"metric": metric, "value": value, "unit": unit, "spread": spread, "goal": goal, "holds": holds}),
          flush=True)


def main(quick):
    if slurm_cluster.missing():
        print(f"slurm: {slurm_cluster.missing()}", file=sys.stderr)
        return
    rounds, count = (15, 48) if quick else (60, 120)
    with slurm_sites(1, nodes=2, cpus=CPUS) as (sites, clusters), Federation(sites) as federation:
        slurm, = clusters.values()
        endpoint_start(federation.user)
        time.sleep(2)
        direct, ours = [], []
        for number in range(rounds):
            # Slurm schedules about once a second: not always at the same moment of that.
            time.sleep(0.1 + number * 0.37 % 1)
            direct.append(direct_start(slurm))
            time.sleep(0.1 + number * 0.37 % 1)
            ours.append(endpoint_start(federation.user))
        quarters = [[round(each * 1000) for each in statistics.quantiles(times, n=4)] for times in (direct, ours)]
        added = round((statistics.median(ours) - statistics.median(direct)) * 1000)
        figure(f"submission to running, slurmrestd itself, {rounds} jobs", quarters[0][1], "ms",
               quarters[0][::2])
        figure(f"submission to running, from the endpoint, {rounds} jobs", quarters[1][1], "ms",
               quarters[1][::2])
        figure("added to the median", added, "ms", None, "<= 150", added <= 150)
        time.sleep(3)
        for seconds, goal in LENGTHS.items():
            rates = [(direct_rate(slurm, count, seconds), endpoint_rate(federation.user, count, seconds))
                     for _ in range(1 if quick else 3)]
            what = f"{count} jobs of {seconds} s on {2 * CPUS} CPUs"
            for place, name in ((0, "slurmrestd itself"), (1, "the endpoint")):
                each = [pair[place] for pair in rates]
                figure(f"rate, {what}, {name}", round(statistics.median(each), 2), "jobs/s",
                       [round(min(each), 2), round(max(each), 2)])
            shares = [ours / direct for direct, ours in rates]
            share = round(statistics.median(shares), 3)
            figure(f"rate, {what}, share of slurmrestd's own", share, "",
                   [round(min(shares), 3), round(max(shares), 3)], goal, share >= 0.9 if goal else None)
    for by_commands in ((), (0,)):
        many(*((1_000, 10, 1) if quick else (10_000, 60, 3)), by_commands)


if __name__ == "__main__":
    main("--quick" in sys.argv)
