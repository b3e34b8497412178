"""Three centres with a real Slurm each, one endpoint: all jobs end exactly once with the right outputs, whatever dies.
One gateway speaks to slurmrestd, the others use Slurm's commands.

TRADEWIND_SLURM_JOBS says how many jobs there are (default 60). With 1,000 or more the third cluster loses its power for a
whole minute, with all that runs there, and figures are printed.
"""
import collections
import contextlib
import hashlib
import os
import re
import signal
import subprocess
import threading
import time
import unittest

from federation import Federation, Ledger, until
from history import History, check_history, runs_of
from slurm_sites import slurm_cluster, slurm_sites

JOBS = int(os.environ.get("TRADEWIND_SLURM_JOBS", "60"))
FULL = JOBS >= 1000
CONTROL = ("slurmctld", "slurmrestd")
CPUS = 16 if FULL else 4  # of a node, of which a cluster has two
NODES = 2


@contextlib.contextmanager
def administrators(clusters):
    """slurmctld gives out numbers of jobs that it has lost and that run on, and drains their nodes for it. To give them
    back is an administrator's part. Yields how often each did so."""
    over, times = threading.Event(), collections.Counter()

    def administrate():
        while not over.wait(1):
            for name, cluster in clusters.items():
                with contextlib.suppress(subprocess.CalledProcessError):
                    if "Duplicate jobid" in cluster.run("sinfo", "-h", "-R", "-o", "%E"):
                        cluster.run("scontrol", "update", "nodename=ALL", "state=resume")
                        times[name] += 1
    thread = threading.Thread(target=administrate)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join()


def ends_at(federation, site):
    """What the site's own log tells of ended attempts: attempt -> reasons, each once however often it was told."""
    ends = collections.defaultdict(set)
    for attempt, reason in re.findall(rf"attempt\.ended attempt=(\S+) site={site} reason=(\S+)", federation.log(site)):
        ends[attempt].add(reason)
    return ends


@unittest.skipIf(slurm_cluster.missing(), slurm_cluster.missing())
class Slurm(unittest.TestCase):
    def test_jobs_end_once_with_their_outputs_though_slurmctld_gateway_and_cluster_die(self):
        with slurm_sites(3, nodes=NODES, cpus=CPUS, by_commands=(0, 2)) as (sites, clusters), \
                administrators(clusters) as resumed, Ledger() as ledger, Federation(sites, env={"TRADEWIND_LEASE_SECONDS": "20"}) as federation:
            first, second, third = sorted(clusters)
            work = ledger.command(ledger.beating(1) + "; echo result $TRADEWIND_JOB_ID > /work/out;"
                                  " echo said $TRADEWIND_JOB_ID")
            document = {
                "name": "slurm", "resources": {"cpus": 1, "memory_mib": 64}, "network": True, "attempts_max": 20,
                "outputs": [{"path": "/work/out"}],
                "variants": [{"architectures": ["amd64"], "duration_seconds": 5,
                              "executors": [{"command": ["sh", "-c", work]}]}]}
            history = History(federation.user)
            begun = time.monotonic()
            for _ in range(4):
                history.submit({**document, "array": {"count": JOBS // 5}})
            for _ in range(JOBS - JOBS // 5 * 4):
                history.submit(document)

            def ended():
                return sum(run[3] for run in runs_of(ledger).values())

            # Jobs wait, begin, run and end while one gateway dies and another's Slurm is down orderly; of many jobs, while
            # the first slurmctld dies, the second stands still, and the third cluster has no power. A slurmctld that
            # died gives numbers of jobs anew that its nodes refuse, which takes half a minute to sort out.
            until(lambda: ended() >= JOBS // 10, 60)
            if FULL:
                clusters[third].halt()
                clusters[first].kill("slurmctld")
                clusters[first].start("slurmctld")
                federation.kill(second)
                federation.start(second)
                clusters[second].signal("slurmctld", signal.SIGSTOP)
                time.sleep(11)  # a submission to one that stands still fails after ten
                clusters[second].signal("slurmctld", signal.SIGCONT)
                time.sleep(49)
                clusters[third].resume()
            else:
                for name in CONTROL:
                    clusters[third].stop(name)
                federation.kill(second)
                federation.start(second)
                time.sleep(1)
                for name in CONTROL:
                    clusters[third].start(name)
            history.settle(120 + JOBS)
            seconds = time.monotonic() - begun

            check_history(history, ledger, {site: NODES * CPUS for site in clusters})
            jobs = {job["id"]: job for _, job in history.seen}
            self.assertEqual(len(jobs), JOBS)
            runs = runs_of(ledger)
            ends = {site: ends_at(federation, site) for site in clusters}
            for name, job in jobs.items():
                self.assertEqual(job["state"], "succeeded", job)
                done, = (each for each in job["attempts"] if each.get("report", {}).get("code") == "succeeded")
                came_to_end = {attempt: run[0] for (job, attempt), run in runs.items() if job == name and run[3]}
                # What the power failure has caught between its last word and the record of its end runs again.
                self.assertEqual(came_to_end.pop(done["number"], None), done["site"])
                self.assertLessEqual(set(came_to_end.values()), {third}, name)
                self.assertEqual(done["report"]["outputs"][0]["sha256"],
                                 hashlib.sha256(f"result {name}\n".encode()).hexdigest())
                self.assertEqual(federation.user.raw("GET", f"/v1/jobs/{name}/logs")[1].decode(), f"said {name}\n")
                # The site tells the same of the attempt, and no other attempt succeeded anywhere.
                told = [(site, attempt) for site, each in ends.items() for attempt, reasons in each.items()
                        if attempt.startswith(f"{name}#") and reasons == {"succeeded"}]
                self.assertEqual(told, [(done["site"], f"{name}#{done['number']}")])
            self.assertEqual({each["site"] for job in jobs.values() for each in job["attempts"]}, set(clusters))
            for name, cluster in clusters.items():
                cluster.until(lambda: cluster.run("squeue", "-h") == "", 60, f"{name} without jobs")
            if FULL:
                reasons = collections.Counter((site, reason) for site, each in ends.items()
                                              for told in each.values() for reason in told)
                print(f"\n{JOBS} jobs in {seconds:.0f} s; ends: {dict(reasons)}; nodes given back: {dict(resumed)}")


if __name__ == "__main__":
    unittest.main()
