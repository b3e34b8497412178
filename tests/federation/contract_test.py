"""Contract capacity over a whole federation: held back from others, there for its owner, not charged again."""
import signal
import unittest

from federation import Federation, until

SITE = "us-iowa-1"
CONTRACT = """
[[contract]]
id = "{id}"
tenant = "{tenant}"
pool = "{pool}"
units = {units}
valid_from = "2020-01-01T00:00:00Z"
valid_until = "2099-01-01T00:00:00Z"
"""


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())
        cls.site_file = cls.federation.dir / "sites" / SITE / "site.toml"
        cls.plain = cls.site_file.read_text()
        cls.pool = cls.federation.user.get(f"/v1/sites/{SITE}")["pools"][0]["id"]

    def sell(self, **contract):
        text = CONTRACT.format(pool=self.pool, **contract)
        self.site_file.write_text(self.plain + text)
        self.federation.kill(SITE, signal.SIGHUP)
        until(lambda: [each["id"] for each in self.contracts() if "units_idle" in each] == [contract["id"]], 20)

    def contracts(self):
        return self.federation.operator.get(f"/v1/sites/{SITE}")["contracts"]

    def job(self, cpus=1):
        return {"command": ["true"], "resources": {"cpus": cpus, "memory_gib": "0.5"}, "duration_seconds": 60,
                "constraints": {"sites_allowed": [SITE]}}

    def test_the_owner_runs_on_it_and_is_not_charged_for_what_it_covers(self):
        self.sell(id="own", tenant="default", units=4)
        quote = self.federation.user.post("/v1/quotes", self.job(4))
        self.assertEqual(quote["chosen"]["contract"], {"id": "own", "units": 4})
        self.assertEqual(quote["chosen"]["cost"]["total"], "0")
        self.assertEqual(quote["chosen"]["cost"]["contract_paid"], quote["chosen"]["cost"]["compute"])
        job = self.federation.user.submit(self.job(2))
        done = self.federation.user.wait(job)
        self.assertEqual((done["state"], done["cost"]), ("succeeded", "0"))
        self.assertIn("contract own paid", self.federation.cli("explain", job).stdout)
        until(lambda: self.contracts()[0]["units_idle"] == 4, 20)

    def test_others_wait_for_what_is_held(self):
        self.sell(id="theirs", tenant="somebody-else", units=15)
        self.assertEqual(self.federation.user.post("/v1/quotes", self.job(1))["outcome"], "placed")
        quote = self.federation.user.post("/v1/quotes", self.job(2))
        self.assertEqual(quote["outcome"], "waiting")
        reasons = {each["site"]: each["reason"] for each in quote["rejections"]}
        self.assertEqual(reasons[SITE], "contract_capacity")
        job = self.federation.user.submit(self.job(2))
        until(lambda: self.federation.user.job(job).get("waiting"), 10)
        self.site_file.write_text(self.plain)
        self.federation.kill(SITE, signal.SIGHUP)
        self.assertEqual(self.federation.user.wait(job)["state"], "succeeded")

    def test_users_are_not_told_who_has_a_contract(self):
        self.assertNotIn("contracts", self.federation.user.get(f"/v1/sites/{SITE}"))
        self.assertIn("contracts", self.federation.auditor.get(f"/v1/sites/{SITE}"))


if __name__ == "__main__":
    unittest.main()
