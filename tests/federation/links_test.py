"""Links between a gateway and its broker that are cut, both ways and one way, and that are slow: nothing runs twice."""
import time
import unittest

from federation import Federation, Ledger, leading_attempt, shell_job, site_files, until
from history import History, check_history
from link_proxy import TO_BROKER, TO_GATEWAY, LinkProxy

SITES = ("us-iowa-1", "eu-zurich-1")
CPUS = {"us-iowa-1": 16, "eu-zurich-1": 8}
LEASE, SKEW, DELAY = 2, 1, 10  # seconds; the skew is the script's
LEASES = {"TRADEWIND_LEASE_SECONDS": str(LEASE), "TRADEWIND_DELAY_SECONDS": str(DELAY)}
OVER = LEASE + SKEW + DELAY


class Links(unittest.TestCase):
    def setUp(self):
        self.ledger = self.enterContext(Ledger())
        sites = self.enterContext(site_files(*SITES))
        self.federation = Federation(sites=sites, env=LEASES)
        self.proxy = self.enterContext(LinkProxy(self.federation.link_port))
        self.federation.options("broker", "--link-advertise", f"tcp://127.0.0.1:{self.proxy.port}")
        self.enterContext(self.federation)
        self.history = History(self.federation.user)

    def running(self, seconds, **more):
        """A job of so many seconds that runs; it and the site that it runs at."""
        job = self.history.submit(shell_job(self.ledger.command(self.ledger.beating(seconds)), network=True, **more))
        until(lambda: self.ledger.count("start", job), 20)
        return job, leading_attempt(self.federation.user.wait(job, states=("running",)))["site"]

    def check(self):
        self.history.settle()
        check_history(self.history, self.ledger, CPUS)
        self.assertGreater(self.proxy.carried, 0)

    def test_a_site_that_is_cut_off_for_longer_than_the_lease_loses_its_work_to_another(self):
        job, site = self.running(6)
        self.proxy.cut(self.federation.pid(site), TO_BROKER, TO_GATEWAY)
        ended = self.federation.user.wait(job, seconds=OVER + 25)
        self.assertEqual(ended["state"], "succeeded")
        self.assertNotEqual(leading_attempt(ended)["site"], site)
        self.assertIn(f"attempt={job}#1 site={site} reason=lease_expired", self.federation.log(site))
        self.proxy.heal()
        # The end of the first attempt is told late, and changes nothing.
        self.check()

    def test_one_way_cuts_and_delays_lose_and_double_nothing(self):
        for direction, seconds in ((TO_GATEWAY, LEASE + 3), (TO_BROKER, LEASE + 3)):
            job, site = self.running(4)
            self.proxy.cut(self.federation.pid(site), direction)
            time.sleep(seconds)
            self.proxy.heal()
            self.assertEqual(self.federation.user.wait(job, seconds=60)["state"], "succeeded", direction)
        self.proxy.delay = 0.3
        job, site = self.running(3)
        self.assertEqual(self.federation.user.wait(job, seconds=60)["state"], "succeeded")
        self.proxy.delay = 0.0
        self.check()


if __name__ == "__main__":
    unittest.main()
