"""A federation goes from the previous release's programs to these while jobs run, part by part, and back where that can be.

TRADEWIND_PREVIOUS_BIN names a folder with the previous release's tradewind, tradewind-broker and tradewind-gateway, built
from its sources; without it the tests are skipped. Each begins with those programs alone. A client submits all along, and
at every mixture of the two releases there is work that was begun in the one before. In the end everything has ended
exactly once, what was there before the upgrade is told as it was told then, and the log continues what was signed.

A part that goes back works with the previous program on its store, or refuses to start in words that say why and leaves
the store unharmed: then it goes on with these programs. Which of the two it is, is printed.
"""
import concurrent.futures
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

from federation import BIN, Client, Federation, Ledger, build_log_verifier, leading_attempt, shell_job, until, verify_log
from history import History, check_history

PREVIOUS = os.environ.get("TRADEWIND_PREVIOUS_BIN")
OLD, NEW = {"TRADEWIND_BIN": PREVIOUS or ""}, {"TRADEWIND_BIN": str(BIN)}
SITES = {"us-iowa-1": 16, "eu-zurich-1": 8}  # that run amd64, and their CPUs
OTHER = "jp-osaka-1"
LEASES = {"TRADEWIND_LEASE_SECONDS": "20"}  # no restart is longer
TASKS = 30
REFUSALS = {"broker": r"the journal has format \d+, this program knows \d+; use the program version that wrote it, or a "
                      r"newer one",
            "gateway": r'tradewind-gateway: store: the value of "[^"]+" is damaged; start the gateway with an empty store'}


@unittest.skipUnless(PREVIOUS, "TRADEWIND_PREVIOUS_BIN names no folder with the previous release's programs")
class Upgrade(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.verifier = build_log_verifier(cls.enterClassContext(tempfile.TemporaryDirectory()))

    @contextlib.contextmanager
    def begun(self):
        """A federation of the previous release that has done some work and is at more."""
        with Federation(env={**OLD, **LEASES}) as self.federation, Ledger() as self.ledger:
            self.history = History(self.federation.user)
            self.submit()
            self.submit(array={"count": 3})
            self.history.settle()
            self.before = [job for _, job in self.history.seen]
            self.submit("sleep 1", array={"count": TASKS})
            with self.client():
                yield
            self.check()

    @contextlib.contextmanager
    def client(self):
        """Submits all along, also while the broker is away."""
        ended = threading.Event()

        def submit():
            while not ended.wait(0.5):
                self.submit()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            submitting = pool.submit(submit)
            try:
                yield
            finally:
                ended.set()
            submitting.result()

    def submit(self, work="true", **more):
        return self.history.submit(shell_job(self.ledger.command(work), network=True, **more))

    def at_work(self, site, seconds=4):
        """A job that runs at the site by now."""
        job = self.submit(self.ledger.beating(seconds), constraints={"sites_allowed": [site]})
        until(lambda: self.ledger.count("start", job), 60)
        return job

    def replace(self, name, programs):
        self.federation.kill(name, signal.SIGTERM)
        if name != "broker":
            # The programs of before kept no address to renew at.
            (self.federation.dir / "sites" / name / "broker.url").write_text(self.federation.url + "\n")
        self.federation.start(name, env=programs)

    def replace_broker(self, programs):
        """The new broker knows the jobs of the old one, what ran has run on, and a job can come after one from before."""
        running = [self.at_work(site) for site in SITES]
        note = Client(self.federation.url).raw("GET", "/log/checkpoint")[1]
        self.replace("broker", programs)
        self.told_as_before()
        self.submit(after=[running[0]])
        for job in running:
            ended = self.federation.user.wait(job)
            self.assertEqual((ended["state"], leading_attempt(ended)["number"]), ("succeeded", 1))
        done = verify_log(self.verifier, self.federation.url, self.federation.auditor.token, known=[note])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def replace_gateway(self, site, programs):
        """What the old one ran is told to its end or runs again, and the site sells again."""
        if site not in SITES:
            return self.replace(site, programs)
        running = self.at_work(site)
        self.replace(site, programs)
        self.sells(site)
        self.assertEqual(self.federation.user.wait(running, seconds=90)["state"], "succeeded")

    def sells(self, site):
        ended = self.federation.user.wait(self.submit(constraints={"sites_allowed": [site]}), seconds=90)
        self.assertEqual((ended["state"], leading_attempt(ended)["site"]), ("succeeded", site))

    def told_as_before(self):
        """What has ended is told as it was told then; there may be more to tell of it. The sites' part is told once their
        records have come."""
        def differences():
            now = {job["id"]: self.federation.user.job(job["id"]) for job in self.before}
            return [f"{key} of {job['id']} was {job[key]}, is {now[job['id']].get(key)}"
                    for job in self.before for key in job if now[job["id"]].get(key) != job[key]]
        until(lambda: not differences(), 30, lambda: "\n".join(differences()))

    def check(self):
        self.history.settle(180)
        check_history(self.history, self.ledger, SITES)
        for _, job in self.history.seen:
            self.assertEqual(job["state"], "succeeded", job)
            # One before it, interrupted as it ended, may have been heard of as well.
            ends = [line[3] for line in self.ledger.lines if line[1:3] == ("end", job["id"])]
            self.assertEqual(ends.count(str(leading_attempt(job)["number"])), 1, f"did not run to its end once: {job}")
        self.told_as_before()
        listed = {job["id"] for job in self.federation.user.all_jobs()}
        self.assertEqual({job["id"] for _, job in self.history.seen} - listed, set())

    def goes_back(self, name):
        """Whether it works with the previous program; it runs with the new one afterwards."""
        self.federation.kill(name, signal.SIGTERM)
        try:
            self.federation.start(name, env=OLD)
        except AssertionError as refusal:
            self.assertRegex(str(refusal), REFUSALS["broker" if name == "broker" else "gateway"])
            self.assertFalse(self.federation.alive(name))
            self.federation.start(name, env=NEW)
            return False
        for site in SITES:
            self.sells(site)
        self.replace(name, NEW)
        return True

    def test_the_broker_and_then_each_gateway_is_replaced_under_load(self):
        with self.begun():
            self.replace_broker(NEW)
            for site in (*SITES, OTHER):
                self.replace_gateway(site, NEW)

            self.renews()
            self.root_keys_go_offline()

    def renews(self):
        """Sites that joined before certificates were renewed do so now."""
        for site in (*SITES, OTHER):
            subprocess.run([BIN / "tradewind-gateway", "rotate-keys", "--dir", self.federation.dir / "sites" / site],
                           check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=90)
        for site in SITES:
            self.sells(site)

    def root_keys_go_offline(self):
        """The first trust record has the registry key for its root, where the previous release made it so; the next one has
        others, and everybody goes along."""
        ca = self.federation.dir / "ca"
        if not (ca / "registry.key").exists():
            return

        def tradewind(*arguments):
            return self.federation.cli("ca", *map(str, arguments)).stdout.strip()
        roots = [word for number in (1, 2, 3)
                 for word in ("--root", tradewind("root", self.federation.dir / f"root-{number}.key"))]
        tradewind("draft", ca, *roots, "--threshold", 2)
        for key in (ca / "registry.key", *(self.federation.dir / f"root-{number}.key" for number in (1, 3))):
            tradewind("sign", ca / "trust/2.draft", key)
        tradewind("publish", ca)
        for site in (*SITES, OTHER):
            until(lambda: (self.federation.dir / "sites" / site / "trust/2.trust").exists(), 60)
        for site in SITES:
            self.sells(site)

    def test_a_gateway_is_replaced_before_the_broker(self):
        first, *others = SITES
        with self.begun():
            self.replace_gateway(first, NEW)
            self.replace_broker(NEW)
            for site in (*others, OTHER):
                self.replace_gateway(site, NEW)

    def test_what_goes_back_works_or_refuses_in_clear_words_and_the_new_programs_go_on(self):
        with self.begun():
            self.replace_broker(NEW)
            for site in (*SITES, OTHER):
                self.replace_gateway(site, NEW)
            for name in ("us-iowa-1", "broker"):
                running = self.at_work("eu-zurich-1")
                print(f"{name} goes back: {self.goes_back(name)}", flush=True)
                ended = self.federation.user.wait(running, seconds=90)
                self.assertEqual((ended["state"], leading_attempt(ended)["number"]), ("succeeded", 1))
                self.told_as_before()
                for site in SITES:
                    self.sells(site)

    def test_the_previous_gateway_on_a_copy_from_before_sells_or_is_not_believed_and_runs_nothing_twice(self):
        site = next(iter(SITES))
        with self.begun():
            home = self.federation.dir / "sites" / site
            before, newest = self.federation.dir / "before", self.federation.dir / "newest"
            self.federation.kill(site, signal.SIGTERM)
            shutil.copytree(home / "store", before)
            self.federation.start(site, env=NEW)
            self.replace_broker(NEW)
            self.federation.kill(site, signal.SIGTERM)
            (home / "store").rename(newest)
            before.rename(home / "store")
            self.federation.start(site, env=OLD)
            job = self.submit(constraints={"sites_allowed": [site]})

            def sold():
                if self.federation.user.job(job)["state"] == "succeeded":
                    return "sells"
                return self.federation.operator.get("/v1/market")["drops"].get("old") and "is not believed"
            print(f"{site} {until(sold, 60)} with its previous program and store", flush=True)
            self.federation.kill(site, signal.SIGTERM)
            shutil.rmtree(home / "store")
            newest.rename(home / "store")
            self.federation.start(site, env=NEW)
            self.sells(site)


if __name__ == "__main__":
    unittest.main(verbosity=2)  # says why a test is skipped
