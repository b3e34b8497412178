"""A disk that fails: at an error of a write or a sync the process says so and ends with 70, and starts again clean."""
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time
import unittest

from federation import BIN, Federation, Ledger, shell_job, site_files
from history import History, check_history
from log_recovery_test import LoneBroker

ERRORS = int(os.environ.get("TRADEWIND_DISK_ERRORS", "24"))
SITE = "us-iowa-1"
CANNOT_GO_ON = 70


def preload(fault, program):
    return {"LD_PRELOAD": str(BIN / "disk_faults.so"), "TRADEWIND_DISK_FAULT": fault, "TRADEWIND_DISK_PROGRAM": program}


class DiskErrors(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        seed = int(os.environ.get("TRADEWIND_SEED", str(int(time.time()))))
        print(f"seed {seed} (repeat with TRADEWIND_SEED)", flush=True)
        self.chance = random.Random(seed)

    def test_a_broker_whose_disk_fails_once_says_so_stops_and_starts_again_with_all_that_it_acknowledged(self):
        broker = LoneBroker(self.folder)
        acknowledged, at_start, at_work = {}, 0, 0
        for round in range(ERRORS):
            fault = f"{self.chance.choice(('eio', 'enospc'))} {self.chance.randint(1, 130)}"
            with self.subTest(fault=fault, round=round):
                said = len(broker.said(0))
                process = broker.launch(env=preload(fault, "tradewind-broker"))
                if broker.starts(process):
                    for number in range(200):
                        try:
                            job = broker.user.submit(shell_job("true"), key=f"{round}-{number}")
                        except OSError:
                            break
                        acknowledged[job] = number
                    else:
                        self.fail("the broker took more jobs than it can have written")
                    self.assertEqual(process.wait(30), CANNOT_GO_ON)
                    self.assertRegex(broker.said(said), r"critical journal\.failed .*(cannot|error)")
                    at_work += 1
                else:
                    # While it starts nothing was promised: what it cannot open or write is told, if not by us then by
                    # an assertion of the library.
                    self.assertIn(process.wait(30), (1, CANNOT_GO_ON, -signal.SIGABRT))
                    self.assertRegex(broker.said(said), r"broker\.failed|journal\.failed|rocksdb::.*Assertion")
                    at_start += 1
        process = broker.launch()
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertTrue(broker.starts(process), broker.said())
        for job in acknowledged:
            self.assertEqual(broker.user.job(job)["state"], "queued")
        print(f"{ERRORS} errors: {at_start} at the start, {at_work} at work; {len(acknowledged)} jobs", flush=True)
        self.assertGreater(at_work, 0)

    def test_a_gateway_whose_disk_fails_once_says_so_stops_and_its_jobs_are_run(self):
        sites = self.enterContext(site_files(SITE))
        env = {"TRADEWIND_LEASE_SECONDS": "2", "TRADEWIND_DELAY_SECONDS": "10"}
        with Federation(sites=sites, env=env) as federation, Ledger() as ledger:
            history = History(federation.user)
            home = federation.dir / "sites" / SITE
            federation.kill(SITE)
            at_work = 0
            for _ in range(4):
                fault = f"{self.chance.choice(('eio', 'enospc'))} {self.chance.randint(40, 60)}"
                with self.subTest(fault=fault), open(self.folder / "out", "w+") as out:
                    process = subprocess.Popen(
                        [BIN / "tradewind-gateway", "run", "--dir", home, "--site", home / "site.toml"],
                        env={**os.environ, "TRADEWIND_DATA": str(federation.dir / "data"),
                             **preload(fault, "tradewind-gateway")},
                        stdin=subprocess.DEVNULL, stdout=out, stderr=out)
                    try:
                        deadline = time.monotonic() + 30
                        while process.poll() is None and time.monotonic() < deadline:
                            history.submit(shell_job(ledger.command(), network=True))
                            time.sleep(0.2)
                        said = (self.folder / "out").read_text()
                        self.assertEqual(process.poll(), CANNOT_GO_ON, said[-2000:])
                        self.assertRegex(said, r"critical gateway\.failed site=us-iowa-1 error=\"store: writing")
                        at_work += 1
                    finally:
                        process.kill()
                        process.wait()
            federation.start(SITE)
            history.settle()
            check_history(history, ledger, {SITE: 16})
            self.assertEqual(at_work, 4)


if __name__ == "__main__":
    unittest.main()
