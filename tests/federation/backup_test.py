"""Folders that are lost, damaged, or come back from an older copy: what was forgotten is noticed, and no job runs twice."""
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time
import unittest

from federation import BIN, Federation, Ledger, build_log_verifier, leading_attempt, shell_job, site_files, until, \
    verify_log
from history import History, check_history
from log_recovery_test import LoneBroker

SITE = "us-iowa-1"
OTHER = "eu-zurich-1"  # dearer
CPUS = {SITE: 16, OTHER: 8}
LEASES = {"TRADEWIND_LEASE_SECONDS": "4", "TRADEWIND_DELAY_SECONDS": "10"}
FLIPS = int(os.environ.get("TRADEWIND_STORE_FLIPS", "12"))


class OfAGateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ledger = cls.enterClassContext(Ledger())
        cls.federation = cls.enterClassContext(Federation(sites=cls.enterClassContext(site_files(SITE, OTHER)), env=LEASES))
        cls.home = cls.federation.dir / "sites" / SITE

    def setUp(self):
        self.history = History(self.federation.user)

    def killed_at_work(self):
        """Kills the gateway under a job."""
        job = self.history.submit(shell_job(self.ledger.command(self.ledger.beating(2)), network=True))
        until(lambda: self.ledger.count("start", job), 30)
        self.federation.user.wait(job, states=("running",))
        self.federation.kill(SITE)
        return job

    def check(self, job):
        ended = self.federation.user.wait(job, seconds=60)
        self.assertEqual((ended["state"], leading_attempt(ended)["number"]), ("succeeded", 2))
        document = shell_job(self.ledger.command(), network=True, constraints={"sites_allowed": [SITE]})
        sold = self.federation.user.wait(self.history.submit(document), seconds=20)
        self.assertEqual(sold["state"], "succeeded", "the site does not sell again")
        self.history.settle()
        check_history(self.history, self.ledger, CPUS)

    def test_an_old_copy_of_its_store_forgets_the_run_and_is_believed_at_once(self):
        self.federation.kill(SITE)
        old = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "store"
        shutil.copytree(self.home / "store", old)
        self.federation.start(SITE)
        job = self.killed_at_work()
        shutil.rmtree(self.home / "store")
        shutil.copytree(old, self.home / "store")
        self.federation.start(SITE)
        self.check(job)

    def test_a_lost_folder_takes_a_new_invitation(self):
        job = self.killed_at_work()
        site_file = (self.home / "site.toml").read_text()
        shutil.rmtree(self.home)
        self.home.mkdir()
        (self.home / "site.toml").write_text(site_file)
        with self.assertRaisesRegex(AssertionError, "tradewind-gateway: .*join"):
            self.federation.start(SITE)
        token = self.federation.cli("site", "invite", SITE, "--quiet", token="operator").stdout.strip()
        subprocess.run([BIN / "tradewind-gateway", "join", self.federation.url, "--token", token, "--dir", self.home,
                        "--site", self.home / "site.toml"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "TRADEWIND_DATA": str(self.federation.dir / "data")})
        self.federation.start(SITE)
        self.check(job)

    def test_a_flipped_bit_in_its_store_is_told_or_changes_nothing(self):
        seed = int(os.environ.get("TRADEWIND_SEED", str(int(time.time()))))
        print(f"seed {seed} (repeat with TRADEWIND_SEED)", flush=True)
        chance, refused = random.Random(seed), 0
        self.federation.kill(SITE)
        good = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "store"
        shutil.copytree(self.home / "store", good)
        files = [file for file in sorted(good.iterdir()) if file.stat().st_size]
        flips = [(good / "CURRENT", 9, 7)]  # the name of a file is quoted with a byte that is no text
        for number in range(FLIPS):
            file = files[number % len(files)]
            flips.append((file, chance.randrange(file.stat().st_size), chance.randrange(8)))
        for file, at, bit in flips:
            bad = bytearray(file.read_bytes())
            bad[at] ^= 1 << bit
            shutil.rmtree(self.home / "store")
            shutil.copytree(good, self.home / "store")
            (self.home / "store" / file.name).write_bytes(bad)
            with self.subTest(file=file.name, at=at, bit=bit):
                said = len(self.federation.log(SITE))
                try:
                    self.federation.start(SITE)
                    self.federation.kill(SITE)
                except AssertionError:
                    self.assertRegex(self.federation.log(SITE)[said:], "tradewind-gateway: (store|members|member): ")
                    refused += 1
        print(f"{len(flips)} flips: {refused} refused at the start", flush=True)
        shutil.rmtree(self.home / "store")
        shutil.copytree(good, self.home / "store")
        self.federation.start(SITE)
        self.history.submit(shell_job(self.ledger.command(), network=True))
        self.history.settle()
        check_history(self.history, self.ledger, CPUS)


class OfABroker(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.broker = LoneBroker(self.folder)

    def runs(self):
        process = self.broker.launch()
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_an_old_copy_of_its_store_is_refused_and_one_of_all_its_files_contradicts_what_others_have_seen(self):
        process = self.runs()
        self.assertTrue(self.broker.starts(process), self.broker.said())
        self.broker.shows(self.broker.user.post("/v1/jobs", shell_job("true"))["log_index"])
        process.terminate()
        process.wait()
        old = self.folder / "old"
        shutil.copytree(self.folder / "broker", old)
        process = self.runs()
        self.assertTrue(self.broker.starts(process), self.broker.said())
        for _ in range(3):
            index = self.broker.user.post("/v1/jobs", shell_job("true"))["log_index"]
        seen = self.broker.shows(index)
        process.kill()
        process.wait()

        store = self.folder / "broker/journal/store"
        shutil.rmtree(store)
        shutil.copytree(old / "journal/store", store)
        self.assertFalse(self.broker.starts(self.runs()))
        self.assertRegex(self.broker.said(), r"broker\.failed .* ends at entry \d+, but entry \d+ was acknowledged: the "
                                             r"newest entries are lost")

        shutil.rmtree(self.folder / "broker")
        shutil.copytree(old, self.folder / "broker")
        self.assertTrue(self.broker.starts(self.runs()), self.broker.said())
        for _ in range(5):
            index = self.broker.user.post("/v1/jobs", shell_job("sleep 1"))["log_index"]
        self.broker.shows(index)
        verifier = build_log_verifier(self.folder)
        self.assertEqual(verify_log(verifier, self.broker.url, self.broker.auditor.token).returncode, 0)
        self.assertNotEqual(verify_log(verifier, self.broker.url, self.broker.auditor.token, known=[seen]).returncode, 0)


if __name__ == "__main__":
    unittest.main()
