"""A site learns from its jobs how fast it works, says so in its signed record, and is chosen and quoted by it."""
import json
import os
import signal
import subprocess
import unittest

from federation import BIN, Federation, shell_job, site_files, until

SITE = "us-iowa-1"


class Performance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(site_files(SITE))
        file = folder / f"{SITE}.toml"
        text = file.read_text()
        stated = "performance = { default = 1.0, branchy = 1.0 }"
        assert stated in text
        file.write_text(text.replace(stated, 'performance = { default = 1.0, branchy = 1.0 }\nlearn = { train = 1.0 }'))
        cls.federation = cls.enterClassContext(Federation(folder))
        cls.user = cls.federation.user

    def job(self, workload, seconds=5.2):
        document = shell_job(f"sleep {seconds}")
        variant = document["variants"][0]
        del variant["duration_seconds"]
        variant.update(workload_class=workload, work_seconds=60)
        return document

    def run_jobs(self, workload, count=5):
        jobs = [self.user.submit(self.job(workload)) for _ in range(count)]
        for each in jobs:
            self.assertEqual(self.user.wait(each, seconds=60)["state"], "succeeded")

    def factors(self):
        return self.user.get(f"/v1/sites/{SITE}")["pools"][0]["performance_ppm"]

    def quoted_seconds(self):
        chosen = self.user.post("/v1/quotes", self.job("train"))["chosen"]
        return chosen["finish"]["run_seconds"]

    def status(self):
        folder = self.federation.dir / "sites" / SITE
        done = subprocess.run([BIN / "tradewind-gateway", "status", "--dir", folder, "--output", "json"],
                              env={**os.environ, "TRADEWIND_DATA": str(self.federation.dir / "data")},
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)["performance"]
        return {each["class"]: each for each in rows}

    def restart(self):
        self.federation.kill(SITE, signal.SIGTERM)
        self.federation.start(SITE)

    def test_it_learns_what_may_be_learnt_and_keeps_it(self):
        self.assertEqual(self.quoted_seconds(), 60)
        self.run_jobs("branchy")
        self.run_jobs("train")
        # Measured is some eleven times the start; a step goes a quarter up.
        # What it has learnt it says once a minute: at once, unless some of the five ended a moment before the others.
        until(lambda: self.factors()["train"] == 1_250_000, 90, lambda: f"it says {self.factors()}")
        self.assertEqual(self.factors(), {"branchy": 1_000_000, "default": 1_000_000, "train": 1_250_000})
        self.assertEqual(self.quoted_seconds(), 48)
        told = self.status()
        self.assertEqual(told["train"], {"pool": "cpu", "class": "train", "ppm": 1_250_000, "learnt": True,
                                         "start_ppm": 1_000_000, "successes": 5, "tenants": 1})
        self.assertFalse(told["branchy"]["learnt"])

        self.restart()
        until(lambda: self.factors()["train"] == 1_250_000, 30, lambda: f"after a restart: {self.factors()}")

        # The operator's word wins.
        file = self.federation.dir / "sites" / SITE / "site.toml"
        text = file.read_text()
        fixed = text.replace("branchy = 1.0 }\nlearn = { train = 1.0 }", "branchy = 1.0, train = 0.5 }")
        self.assertNotEqual(fixed, text)
        file.write_text(fixed)
        self.federation.kill(SITE, signal.SIGHUP)
        until(lambda: self.factors()["train"] == 500_000, 30, lambda: f"after the operator's word: {self.factors()}")
        self.assertEqual(self.status()["train"], {"pool": "cpu", "class": "train", "ppm": 500_000, "learnt": False})
        self.assertEqual(self.quoted_seconds(), 120)


if __name__ == "__main__":
    unittest.main()
