"""A tenant's budget keeps its jobs waiting, tells them why, holds over a killed broker, and lets them go when it is raised."""
import json
import unittest

from federation import Answer, Federation, shell_job, until


def decimal(micros):
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"


class Budget(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())
        cls.user = cls.federation.user
        cls.tenant = cls.user.wait(cls.user.submit(shell_job("true")))["tenant"]

    def setUp(self):
        self.addCleanup(self.federation.cli, "budget", "remove", self.tenant, token="operator", check=False)

    def set(self, micros, *more):
        return self.federation.cli("budget", "set", self.tenant, "--limit", decimal(micros), *more, token="operator")

    def why(self, job):
        return until(lambda: self.user.job(job).get("waiting", {}).get("budget"), 30,
                     lambda: json.dumps(self.user.job(job))[:2000])

    def test_it_holds_until_it_is_raised_and_over_a_killed_broker(self):
        self.set(0)
        document = shell_job("sleep 4", run_seconds_max=60)
        jobs = [self.user.submit(document) for _ in range(3)]
        miss = self.why(jobs[0])
        self.assertEqual((miss["limit"], miss["held"], miss["spent"]), (0, 0, 0))
        needed = miss["needed"]
        self.assertGreater(needed, 0)
        summary = self.user.job(jobs[0])["waiting"]["summary"]
        self.assertIn("more than all of it", summary)
        self.assertIn("more than all of it", self.federation.cli("explain", jobs[0]).stdout)

        # One at a time, while the others wait.
        self.set(needed + needed // 2, "--period", "none")
        first = until(lambda: next((each for each in jobs if self.user.job(each)["state"] == "running"), None), 30)
        others = [each for each in jobs if each != first]
        self.assertEqual([self.user.job(each)["state"] for each in others], ["queued", "queued"])
        self.assertEqual(self.why(others[0])["held"], needed)
        before = self.user.get(f"/v1/budgets/{self.tenant}")
        self.assertEqual(before["jobs_waiting"], 2)
        self.federation.kill("broker")
        self.federation.start("broker")
        after = until(lambda: self.user.get(f"/v1/budgets/{self.tenant}"), 30)
        for figure in ("limit", "period", "since", "version"):
            self.assertEqual(after[figure], before[figure], figure)
        self.assertEqual(self.user.wait(first)["state"], "succeeded")

        self.set(100 * needed, "--period", "none")
        for each in others:
            self.assertEqual(self.user.wait(each)["state"], "succeeded")
        charged = sum(round(float(self.user.job(each)["cost"]) * 1_000_000) for each in jobs)
        spent = until(lambda: (found := self.user.get(f"/v1/budgets/{self.tenant}"))["held"] == "0" and found, 30)
        self.assertEqual(round(float(spent["spent"]) * 1_000_000), charged)
        self.assertIn(self.tenant, self.federation.cli("budget").stdout)
        self.federation.replay()

    def test_a_quote_that_it_does_not_cover_is_not_taken(self):
        self.set(0)
        quote = self.user.post("/v1/quotes", shell_job("true"))["quote"]["id"]
        with self.assertRaises(Answer) as caught:
            self.user.post("/v1/jobs", {"quote": quote})
        self.assertEqual(caught.exception.status, 409)
        self.assertIn("its tenant's budget", caught.exception.json()["detail"])

    def test_a_limit_replaces_the_version_that_was_read(self):
        self.set(5_000_000, "--replaces", "0")
        version = self.user.get(f"/v1/budgets/{self.tenant}")["version"]
        self.assertIn(str(version), self.federation.cli("budget", self.tenant).stdout.split())
        for late in ("0", str(version - 1)):
            refused = self.federation.cli("budget", "set", self.tenant, "--limit", "9", "--replaces", late,
                                          token="operator", check=False)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(f"version {version}, not {late}", refused.stderr)
        self.set(6_000_000, "--replaces", str(version))
        self.assertEqual(self.user.get(f"/v1/budgets/{self.tenant}")["limit"], "6")

    def test_users_see_their_own_and_set_none(self):
        self.set(5_000_000)
        self.assertEqual(self.user.get("/v1/budgets")["budgets"][0]["limit"], "5")
        self.assertEqual(self.federation.cli("budget", "set", self.tenant, "--limit", "9", check=False).returncode, 4)
        with self.assertRaises(Answer) as caught:
            self.user.get("/v1/budgets/another")
        self.assertEqual(caught.exception.status, 404)
        self.assertEqual(json.loads(self.federation.cli("--output", "json", "budget", self.tenant).stdout)["limit"], "5")


if __name__ == "__main__":
    unittest.main()
