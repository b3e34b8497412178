"""Gateways die and come back: no job is lost, none runs twice, what was interrupted is told."""
import os
import pathlib
import re
import signal
import time
import unittest

from federation import Federation, Ledger, leading_attempt, shell_job, until


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text()
    except OSError:  # it has ended meanwhile
        return None


class GatewayKill(unittest.TestCase):
    def test_a_restartable_job_ends_elsewhere_once(self):
        with Federation() as federation, Ledger() as ledger:
            job = federation.user.submit(shell_job(ledger.command("sleep 5"), network=True))
            running = federation.user.wait(job, states=("running",))
            site = leading_attempt(running)["site"]
            until(lambda: ledger.count("start", job), 10)
            federation.kill(site)
            ended = federation.user.wait(job, seconds=90)
            self.assertEqual(ended["state"], "succeeded")
            self.assertNotEqual(leading_attempt(ended)["site"], site)
            self.assertEqual(ledger.count("start", job), 2)
            self.assertEqual(ledger.count("end", job), 1, "the killed run must not go on")

    def test_a_job_that_must_not_start_again_fails_with_the_reason(self):
        with Federation() as federation:
            job = federation.user.submit(shell_job("sleep 60", restartable=False))
            running = federation.user.wait(job, states=("running",))
            site = leading_attempt(running)["site"]
            federation.kill(site)
            federation.start(site)
            ended = federation.user.wait(job, seconds=60)
            self.assertEqual(ended["state"], "failed")
            self.assertTrue(ended["end_reason"])

    def test_a_gateway_that_ends_orderly_comes_back_and_sells_again(self):
        with Federation() as federation:
            site = "us-iowa-1"
            federation.kill(site, signal.SIGTERM)
            federation.start(site)
            job = federation.user.submit(shell_job("echo back", constraints={"sites_allowed": [site]}))
            ended = federation.user.wait(job, seconds=60)
            self.assertEqual((ended["state"], leading_attempt(ended)["site"]), ("succeeded", site))

    def test_a_gateway_without_its_guard_takes_nothing_new_until_it_starts_again(self):
        with Federation() as federation:
            site = "us-iowa-1"
            gateway = federation.pid(site)
            children = pathlib.Path(f"/proc/{gateway}/task/{gateway}/children").read_text().split()
            guard, = (each for each in children if name_of(each) == "lease-guard\n")
            os.kill(int(guard), signal.SIGKILL)
            job = federation.user.submit(shell_job("echo guarded", constraints={"sites_allowed": [site]}))
            # The first may have been granted before the gateway noticed; it then failed.
            refused = re.compile(rf"attempt\.refused attempt={job}#\d+ site={site} reason=engine_down")
            until(lambda: refused.search(federation.log(site)), 20)
            federation.kill(site, signal.SIGTERM)
            federation.start(site)
            self.assertEqual(federation.user.wait(job, seconds=90)["state"], "succeeded")

    def test_a_killed_site_is_offered_no_more_within_its_sheets_validity(self):
        with Federation() as federation:
            federation.kill("us-iowa-1")
            started = time.monotonic()

            def gone():
                offers = federation.operator.get("/v1/offers")["offers"]
                return all(not each["quote_valid"] for each in offers if each["site"] == "us-iowa-1")
            until(gone, 20)
            self.assertLess(time.monotonic() - started, 17)


if __name__ == "__main__":
    unittest.main()
