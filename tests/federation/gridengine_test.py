"""A centre with a real Grid Engine behind one endpoint: jobs end exactly once with their outputs, though gateway and queue
die. Its site file is the sample of deploy/sites/queues.
"""
import importlib.machinery
import importlib.util
import pathlib
import re
import shutil
import tempfile
import unittest

from federation import ROOT, Federation, until


def _load():
    loader = importlib.machinery.SourceFileLoader("private_grid_engine", str(ROOT / "tests/engines/gridengine"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("private_grid_engine", loader))
    loader.exec_module(module)
    return module


private_grid_engine = _load()
JOBS = 12


@unittest.skipIf(private_grid_engine.missing(), private_grid_engine.missing())
class GridEngine(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tradewind-gridengine-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)

    def site(self, queue):
        text = (ROOT / "deploy/sites/queues/gridengine.toml").read_text()
        text = re.sub(r'"(qsub|qstat|qdel|qacct)"', lambda found: f'"{queue.dir}/bin/{found[1]}"', text)
        text = text.replace("/shared/tradewind", str(self.folder / "shared"))
        text = re.sub(r'state = "draining".*', '[link]\nlisten = "tcp://127.0.0.1:0"', text)
        text = text.replace('kind = "batch"\n', 'kind = "batch"\nsandbox = "none"\n')
        text = text.replace("[engine.batch]\n", "[engine.batch]\npoll_seconds = 1\n")
        sites = self.folder / "sites"
        sites.mkdir()
        (sites / "eu-bologna-1.toml").write_text(text)
        return sites

    def test_jobs_end_once_with_their_outputs_though_gateway_and_queue_die(self):
        told = self.folder / "told"
        told.touch()
        with private_grid_engine.GridEngine(self.folder / "cluster", 8) as queue, \
                Federation(self.site(queue), env={"TRADEWIND_LEASE_SECONDS": "30"}) as federation:
            work = (f"echo start $TRADEWIND_JOB_ID >> {told}; sleep 2; echo said $TRADEWIND_JOB_ID; "
                    f"echo end $TRADEWIND_JOB_ID >> {told}")
            document = {
                "name": "batch", "resources": {"cpus": 1, "memory_mib": 64}, "attempts_max": 20,
                "variants": [{"architectures": ["amd64"], "duration_seconds": 5,
                              "executors": [{"command": ["sh", "-c", work]}]}]}
            array = federation.user.call("POST", "/v1/jobs", {**document, "array": {"count": JOBS}})
            until(lambda: told.read_text().count("start") >= 3, 60)
            # What runs goes on while nobody looks, and what waits is found again.
            federation.kill("eu-bologna-1")
            queue.kill("sge_qmaster")
            federation.start("eu-bologna-1")
            queue.start("sge_qmaster")
            queue.until(lambda: queue.client("qconf", "-sh"), 60, "sge_qmaster")
            queue.kill("sge_execd")
            queue.start("sge_execd")
            states = federation.user.wait_array(array["id"], JOBS)
            self.assertEqual(states.get("succeeded"), JOBS, states)
            lines = told.read_text().split("\n")
            for job in federation.user.all_jobs():
                self.assertEqual(lines.count(f"start {job['id']}"), 1)
                self.assertEqual(lines.count(f"end {job['id']}"), 1)
                said = federation.user.raw("GET", f"/v1/jobs/{job['id']}/logs")[1].decode()
                self.assertEqual(said, f"said {job['id']}\n")


if __name__ == "__main__":
    unittest.main()
