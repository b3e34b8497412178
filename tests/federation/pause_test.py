"""A broker, a gateway or a whole site that stands still for longer than its leases, and goes on."""
import os
import pathlib
import signal
import time
import unittest

from federation import Federation, Ledger, leading_attempt, shell_job, site_files, until
from history import History, check_history

SITES = ("us-iowa-1", "eu-zurich-1")
CPUS = {"us-iowa-1": 16, "eu-zurich-1": 8}
LEASES = {"TRADEWIND_LEASE_SECONDS": "2", "TRADEWIND_DELAY_SECONDS": "10"}


def descendants(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended meanwhile
        return []
    return [each for child in children for each in (int(child), *descendants(int(child)))]


def signal_if_there(pid, how):
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass


class Pause(unittest.TestCase):
    def setUp(self):
        self.ledger = self.enterContext(Ledger())
        self.federation = self.enterContext(Federation(sites=self.enterContext(site_files(*SITES)), env=LEASES))
        self.history = History(self.federation.user)

    def running(self, seconds):
        job = self.history.submit(shell_job(self.ledger.command(self.ledger.beating(seconds)), network=True))
        until(lambda: self.ledger.count("start", job), 20)
        return job, leading_attempt(self.federation.user.wait(job, states=("running",)))["site"]

    def check(self):
        self.history.settle()
        check_history(self.history, self.ledger, CPUS)

    def test_a_broker_that_stood_still_finds_its_attempts_stopped_and_runs_them_again_once(self):
        job, site = self.running(4)
        self.federation.kill("broker", signal.SIGSTOP)
        until(lambda: f"attempt={job}#1 site={site} reason=lease_expired" in self.federation.log(site), 10)
        time.sleep(2)
        self.federation.kill("broker", signal.SIGCONT)
        self.assertEqual(self.federation.user.wait(job, seconds=60)["state"], "succeeded")
        self.check()

    def test_a_site_that_stood_still_has_lost_its_work_to_another(self):
        job, site = self.running(4)
        gateway = self.federation.pid(site)
        frozen = [gateway, *descendants(gateway)]
        for pid in frozen:
            signal_if_there(pid, signal.SIGSTOP)
        try:
            ended = self.federation.user.wait(job, seconds=45)
            self.assertEqual(ended["state"], "succeeded")
            self.assertNotEqual(leading_attempt(ended)["site"], site)
        finally:
            # The gateway first: on a machine that goes on as a whole, the old run may live for as long as a stop takes.
            os.kill(gateway, signal.SIGCONT)
            stopped = f"attempt.stopping attempt={job}#1 site={site} reason=lease_expired"
            until(lambda: stopped in self.federation.log(site), 10)
            for pid in frozen[1:]:
                signal_if_there(pid, signal.SIGCONT)
        until(lambda: f"attempt.ended attempt={job}#1 site={site} reason=lease_expired" in self.federation.log(site), 10)
        self.check()

    def test_a_gateway_that_alone_stood_still_has_had_its_work_ended_with_the_lease(self):
        job, site = self.running(20)
        self.federation.kill(site, signal.SIGSTOP)
        try:
            until(lambda: self.ledger.count("start", job) == 2, 30)
            time.sleep(2)  # signs of life of both would overlap
        finally:
            self.federation.kill(site, signal.SIGCONT)
        ended = self.federation.user.wait(job)
        self.assertEqual(ended["state"], "succeeded")
        self.assertNotEqual(leading_attempt(ended)["site"], site)
        until(lambda: f"attempt.ended attempt={job}#1 site={site} reason=lease_expired" in self.federation.log(site), 10)
        self.check()


if __name__ == "__main__":
    unittest.main()
