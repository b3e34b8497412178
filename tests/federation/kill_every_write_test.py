"""A broker, and a gateway, killed at each of its writes, one after the other: nothing is lost, nothing runs twice.

Life after life, the process is killed before its N-th call that changes the disk, N = 1, 2, ... until a whole life, from
its start to the end of all jobs, has fewer. Each second time half of the write is done first. All of them take minutes,
so without TRADEWIND_KILL_EVERY=1 a random sample is run, from the first to the last.
"""
import os
import random
import threading
import time
import unittest

from federation import BIN, Federation, Ledger, shell_job, site_files
from history import History, check_history

EVERY = os.environ.get("TRADEWIND_KILL_EVERY") == "1"
STEP_MAX = 1 if EVERY else int(os.environ.get("TRADEWIND_KILL_STEP", "30"))  # of the sample
SITE = "us-iowa-1"
CPUS = {SITE: 16}
TASKS = 2
# Short, so that lost attempts are soon over.
LEASES = {"TRADEWIND_LEASE_SECONDS": "2", "TRADEWIND_DELAY_SECONDS": "10"}


class KillEveryWrite(unittest.TestCase):
    def setUp(self):
        seed = int(os.environ.get("TRADEWIND_SEED", str(int(time.time()))))
        print(f"seed {seed} (repeat with TRADEWIND_SEED)", flush=True)
        self.chance = random.Random(seed)
        self.sites = self.enterContext(site_files(SITE))

    def test_broker(self):
        self.lives("broker", "tradewind-broker")

    def test_gateway(self):
        self.lives(SITE, "tradewind-gateway")

    def lives(self, name, program):
        lives, at_start, began, number = 0, 0, time.monotonic(), 0
        with Federation(sites=self.sites, env=LEASES) as federation, Ledger() as ledger:
            survived = False
            while not survived:
                number += self.chance.randint(1, STEP_MAX)
                for how in ("kill", "torn") if EVERY else (self.chance.choice(("kill", "torn")),):
                    try:
                        ended = self.life(federation, ledger, name, program, f"{how} {number}")
                    except BaseException:
                        print(f"{name}: {how} {number}", flush=True)
                        raise
                    lives, at_start, survived = lives + 1, at_start + (ended == "at its start"), not ended
            # Or it would come to that write when all is done.
            if federation.alive(name):
                federation.kill(name)
            federation.start(name)
        print(f"{name}: {lives} lives, {at_start} ended at the start; fewer than {number} writes in a life; "
              f"{time.monotonic() - began:.0f} s", flush=True)

    def life(self, federation, ledger, name, program, fault):
        """When the fault ended the process; None: it did not."""
        ended = None
        ledger.lines.clear()
        history = History(federation.user)
        if federation.alive(name):
            federation.kill(name)
        try:
            federation.start(name, env={"LD_PRELOAD": str(BIN / "disk_faults.so"), "TRADEWIND_DISK_FAULT": fault,
                                        "TRADEWIND_DISK_PROGRAM": program})
        except AssertionError:
            federation.ended(name)
            ended = "at its start"
        failure = []

        def ask():
            try:
                document = shell_job(ledger.command(), network=True)
                history.submit({**document, "array": {"count": TASKS}})
                history.submit(document)
                history.settle()
            except BaseException as error:  # for the thread that waits
                failure.append(error)
        client = threading.Thread(target=ask, daemon=True)
        client.start()
        while client.is_alive():
            if not federation.alive(name):
                ended = ended or "at work"
                federation.start(name)
            client.join(0.05)
        for error in failure:
            raise error
        check_history(history, ledger, CPUS)
        return ended


if __name__ == "__main__":
    unittest.main()
