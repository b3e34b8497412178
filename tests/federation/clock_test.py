"""Wall clocks that jump by hours under running processes: leases and bills go by the steady clock, and what signs or
checks a date notices."""
import glob
import signal
import time
import unittest

from federation import BIN, Federation, Ledger, shell_job, site_files, until
from history import History, check_history

SITE = "us-iowa-1"
CPUS = {SITE: 16}
LEASE_SECONDS = 6
LEASES = {"TRADEWIND_LEASE_SECONDS": str(LEASE_SECONDS), "TRADEWIND_DELAY_SECONDS": "10"}
JUMP = 3 * 3600  # seconds
LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


@unittest.skipUnless(LIBRARY, "needs libfaketime")
class Clock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ledger = cls.enterClassContext(Ledger())
        cls.federation = cls.enterClassContext(Federation(sites=cls.enterClassContext(site_files(SITE)), env=LEASES))
        cls.user = cls.federation.user
        for name in ("broker", SITE):
            cls.federation.kill(name)
            cls.set(name, 0)
            cls.start(name)

    @classmethod
    def set(cls, name, seconds):
        file = cls.federation.dir / f"{name}.clock"
        draft = file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}")
        draft.rename(file)  # it is read at any time

    @classmethod
    def start(cls, name):
        programs = {"TRADEWIND_BIN": str(BIN / "for_faketime")} if name == "broker" else {}
        cls.federation.start(name, env={
            **programs, "LD_PRELOAD": LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": str(cls.federation.dir / f"{name}.clock"),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_RESET": "1"})

    def running(self, history, seconds):
        job = history.submit(shell_job(self.ledger.command(self.ledger.beating(seconds)), network=True))
        self.user.wait(job, states=("running",), seconds=20)
        return job

    def drops(self, reason):
        return self.federation.operator.get("/v1/market")["drops"].get(reason, 0)

    def offered(self):
        return self.federation.operator.get("/v1/offers")["offers"][0]["quote_valid"]

    def test_a_jump_under_a_run_neither_ends_it_nor_costs_more(self):
        history = History(self.user)
        job = self.running(history, 8)
        for jump in (JUMP, -JUMP, 0):
            for name in ("broker", SITE):
                self.set(name, jump)
                time.sleep(1.2)
        ended = self.user.wait(job)
        self.assertEqual((ended["state"], ended["attempts_count"]), ("succeeded", 1))
        history.settle()
        check_history(history, self.ledger, CPUS)

    def test_a_broker_whose_clock_is_ahead_sells_nothing_until_it_is_set_right(self):
        before = self.drops("expired")
        self.set("broker", JUMP)
        until(lambda: not self.offered(), 10)
        job = self.user.submit(shell_job("true"))
        until(lambda: self.drops("expired") > before, 10)
        self.assertIn("(quote_missing)", self.user.get(f"/v1/jobs/{job}/decision")["summary"])
        self.set("broker", 0)
        self.assertEqual(self.user.wait(job)["state"], "succeeded")

    def test_a_site_whose_clock_is_ahead_is_not_believed(self):
        before = self.drops("from_future")
        self.set(SITE, JUMP)
        until(lambda: self.drops("from_future") > before, 15)
        self.set(SITE, 0)
        until(self.offered, 20)

    def test_a_clock_that_was_set_back_extends_no_lease(self):
        history = History(self.user)
        job = self.running(history, 20)
        self.set(SITE, -JUMP)
        time.sleep(1.5)
        self.federation.kill("broker", signal.SIGSTOP)
        began = time.monotonic()
        until(lambda: f"attempt={job}#1 site={SITE} reason=lease_expired" in self.federation.log(SITE), 15)
        self.assertLess(time.monotonic() - began, LEASE_SECONDS + 5)
        self.federation.kill("broker", signal.SIGCONT)
        self.set(SITE, 0)
        history.settle()
        check_history(history, self.ledger, CPUS)

    def test_papers_that_have_run_out_are_noticed_by_a_running_gateway_and_at_its_start(self):
        self.set(SITE, 400 * 86400)
        until(lambda: f"error record.not_accepted site={SITE} drops so far:" in self.federation.log(SITE), 15)
        self.federation.kill(SITE)
        with self.assertRaisesRegex(AssertionError, "tradewind-gateway: trust: version 1 expired at .*; see that .* clock"):
            self.start(SITE)
        self.set(SITE, 0)
        self.start(SITE)


if __name__ == "__main__":
    unittest.main()
