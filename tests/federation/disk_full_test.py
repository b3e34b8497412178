"""A disk that fills up: nothing new is taken while the reserve is short, what runs is written to its end, nothing that
was acknowledged is lost even when the last byte is gone, and all goes on when there is space again."""
import os
import pathlib
import subprocess
import sys
import unittest

from federation import Answer, Federation, Ledger, shell_job, site_files, until
from history import History, check_history

SITE = "us-iowa-1"
CPUS = {SITE: 16}
DISK_MIB = 48  # less than what the journal would like to set aside for its log at once
RESERVE_MIB = 16
# Mounting takes a namespace of our own: the test starts itself again in one.
INSIDE = "TRADEWIND_OWN_MOUNTS"
UNSHARE = ["unshare", "--map-root-user", "--mount"]


@unittest.skipUnless(INSIDE in os.environ, "needs unshare --map-root-user --mount")
class DiskFull(unittest.TestCase):
    def disk(self, path):
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "none", path], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", path], check=True)
        self.ballast = path / "ballast"

    def fill(self, leave_bytes):
        """Takes all space but so much of it."""
        self.ballast.unlink(missing_ok=True)
        found = os.statvfs(self.ballast.parent)
        with open(self.ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize - leave_bytes)

    def fill_to_the_last_byte(self):
        self.fill(1 << 20)
        try:
            with open(self.ballast, "ab", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass

    def refused(self, method, path, body):
        with self.assertRaises(Answer) as caught:
            self.federation.user.call(method, path, body)
        self.assertEqual(caught.exception.status, 503)
        self.assertIn("Retry-After", caught.exception.headers)
        problem = caught.exception.json()
        self.assertEqual((problem["code"], problem["field"]), ("unavailable", "disk"))
        self.assertRegex(problem["detail"], r"^\d+ MiB are free, and 16 are kept for the work that was taken$")

    def ready(self):
        try:
            return self.federation.user.raw("GET", "/readyz")[0]
        except Answer as answer:
            return answer.status

    def metric(self, name):
        text = self.federation.operator.raw("GET", "/metrics")[1].decode()
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))

    def test_a_broker(self):
        with site_files(SITE) as sites, Ledger() as ledger:
            self.federation = federation = Federation(sites=sites)
            self.disk(federation.dir / "broker")
            federation.options("broker", "--disk-reserve-mib", RESERVE_MIB)
            with federation:
                history = History(federation.user)
                document = shell_job(ledger.command("sleep 5"), network=True)
                history.submit(document)
                history.submit(document)
                canceled = federation.user.submit(shell_job("sleep 600"))
                federation.user.wait(canceled, states=("running",))
                self.fill((RESERVE_MIB - 2) << 20)
                until(lambda: self.ready() == 503, 10)
                self.refused("POST", "/v1/jobs", document)
                self.refused("POST", "/v1/quotes", document)
                self.refused("PUT", "/v1/datasets/numbers", {"replicas": [{"url": "https://data.example/numbers"}]})
                self.assertEqual(self.metric("tradewind_disk_refused_total"), 3)
                self.assertEqual(self.metric("tradewind_disk_reserve_bytes"), RESERVE_MIB << 20)
                self.assertLess(self.metric("tradewind_disk_free_bytes"), RESERVE_MIB << 20)
                self.assertIn("warning disk.low free_bytes=", federation.log("broker"))
                # What was taken goes on: it is found again by its key, canceled, and written to its end.
                self.assertEqual(history.ask(1), history.answers[0][2])
                federation.user.post(f"/v1/jobs/{canceled}:cancel")
                self.assertEqual(federation.user.wait(canceled)["state"], "canceled")
                history.settle()
                check_history(history, ledger, CPUS)

                self.ballast.unlink()
                until(lambda: self.ready() == 200, 10)
                self.assertIn("info disk.enough free_bytes=", federation.log("broker"))

                # To the last byte, and it is over: nothing can be written any more, once what has room is full.
                jobs = [history.submit(document) for _ in range(12)]
                federation.user.wait(jobs[0], states=("running",))
                self.fill_to_the_last_byte()
                federation.ended("broker")
                self.assertRegex(federation.log("broker"),
                                 r"critical journal\.failed journal: .*No space left on device; "
                                 r"check the journal's disk and the space left on it")
                with self.assertRaisesRegex(AssertionError, "(?s)broker ended while starting"):
                    federation.start("broker")
                self.assertIn("No space left on device", federation.log("broker").splitlines()[-1])
                self.ballast.unlink()
                federation.start("broker")
                history.settle()
                check_history(history, ledger, CPUS)

    def test_a_gateway(self):
        with site_files(SITE) as sites, Ledger() as ledger:
            self.federation = Federation(sites=sites)
            with self.federation as federation:
                home = federation.dir / "sites" / SITE
                federation.kill(SITE)
                good = home.rename(federation.dir / "good")
                self.disk(home)
                subprocess.run(["cp", "-a", f"{good}/.", home], check=True)
                federation.options(SITE, "--disk-reserve-mib", RESERVE_MIB)
                federation.start(SITE)
                history = History(federation.user)
                document = shell_job(ledger.command("sleep 5"), network=True)
                before = history.submit(document)
                federation.user.wait(before, states=("running",))
                self.fill((RESERVE_MIB - 2) << 20)
                until(lambda: "warning disk.low site=us-iowa-1 free_bytes=" in federation.log(SITE), 10)
                until(lambda: "site.published site=us-iowa-1 state=draining" in federation.log(SITE), 10)
                until(lambda: federation.user.get(f"/v1/sites/{SITE}")["state"] == "draining", 10)
                self.assertEqual(federation.user.wait(before)["state"], "succeeded")
                after = history.submit(document)

                def waits():
                    decision = federation.user.get(f"/v1/jobs/{after}/decision")
                    return "site_state" in str(decision)
                until(waits, 10, lambda: federation.user.get(f"/v1/jobs/{after}/decision"))
                self.assertEqual(federation.user.job(after)["state"], "queued")
                self.ballast.unlink()
                self.assertEqual(federation.user.wait(after, seconds=30)["state"], "succeeded")
                self.assertIn("info disk.enough site=us-iowa-1 free_bytes=", federation.log(SITE))

                # Its store has set space aside for what it still has to write.
                last = history.submit(document)
                federation.user.wait(last, states=("running",))
                self.fill_to_the_last_byte()
                self.assertEqual(federation.user.wait(last)["state"], "succeeded")
                federation.kill(SITE)
                with self.assertRaisesRegex(AssertionError, "us-iowa-1 ended while starting"):
                    federation.start(SITE)
                self.assertIn("No space left on device", federation.log(SITE).splitlines()[-1])
                self.ballast.unlink()
                federation.start(SITE)
                history.submit(document)
                history.settle()
                check_history(history, ledger, CPUS)


if __name__ == "__main__":
    if INSIDE not in os.environ and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0:
        os.execvpe("unshare", [*UNSHARE, sys.executable, "-B", *sys.argv], {**os.environ, INSIDE: "1"})
    unittest.main()
