"""Three centres with a real Slurm each, one endpoint: all jobs end exactly once with the right outputs, whatever dies.

TRADEWIND_SLURM_JOBS says how many jobs there are (default 100).
"""
import contextlib
import os
import signal
import subprocess
import time
import unittest

from federation import Federation, Ledger, until
from slurm_sites import slurm_cluster, slurm_sites

JOBS = int(os.environ.get("TRADEWIND_SLURM_JOBS", "100"))


@unittest.skipIf(slurm_cluster.missing(), slurm_cluster.missing())
class Slurm(unittest.TestCase):
    def test_jobs_end_once_with_their_outputs_though_slurmctld_gateway_and_cluster_die(self):
        with slurm_sites(3, nodes=2, cpus=4 if JOBS <= 200 else 16) as (sites, clusters), Ledger() as ledger, \
                Federation(sites, env={"TRADEWIND_LEASE_SECONDS": "20"}) as federation:
            first, second, third = sorted(clusters)
            work = ledger.command("sleep 1; echo result $TRADEWIND_JOB_ID > /work/out; echo said $TRADEWIND_JOB_ID")
            document = {
                "name": "slurm", "resources": {"cpus": 1, "memory_mib": 64}, "network": True, "attempts_max": 20,
                "outputs": [{"path": "/work/out"}],
                "variants": [{"architectures": ["amd64"], "duration_seconds": 5,
                              "executors": [{"command": ["sh", "-c", work]}]}]}
            array = federation.user.call("POST", "/v1/jobs", {**document, "array": {"count": JOBS}})
            single = [federation.user.submit(document) for _ in range(5)]
            until(lambda: len(ledger.lines) > JOBS // 10, 60)
            # Jobs wait, begin, run and end while slurmctld dies at one centre, stands still at another, and the third
            # loses its gateway and then all of Slurm for a while.
            clusters[first].kill("slurmctld")
            clusters[third].signal("slurmctld", signal.SIGSTOP)
            federation.kill(second)
            clusters[first].start("slurmctld")
            federation.start(second)
            for name in ("slurmrestd", "slurmctld"):
                clusters[second].kill(name)
            time.sleep(11)  # a submission to one that stands still fails after ten
            clusters[third].signal("slurmctld", signal.SIGCONT)
            for name in ("slurmctld", "slurmrestd"):
                clusters[second].start(name)
            # slurmctld gives out numbers of jobs that it has lost and that run on, and drains their nodes for it: an
            # administrator's part.
            def administrate():
                for cluster in clusters.values():
                    with contextlib.suppress(subprocess.CalledProcessError):
                        if "Duplicate jobid" in cluster.run("sinfo", "-h", "-R"):
                            cluster.run("scontrol", "update", "nodename=ALL", "state=resume")
                found = federation.user.get(f"/v1/arrays/{array['id']}")
                return found["states"] if found["complete"] else None
            states = until(administrate, 120 + JOBS, lambda: federation.user.get(f"/v1/arrays/{array['id']}"))
            self.assertEqual(states.get("succeeded"), JOBS, states)
            for job in single:
                self.assertEqual(federation.user.wait(job)["state"], "succeeded")
            jobs = federation.user.all_jobs()
            self.assertEqual(len(jobs), JOBS + len(single))
            used = set()
            for each in jobs:
                job = each["id"]
                self.assertEqual(ledger.count("end", job), 1, f"{job} has ended so often")
                # What an orphaned run of a crash has begun may have been begun again; it never ended.
                said = federation.user.raw("GET", f"/v1/jobs/{job}/logs")[1].decode()
                self.assertEqual(said, f"said {job}\n")
                used.add(each["site"])
            self.assertEqual(used, set(clusters))


if __name__ == "__main__":
    unittest.main()
