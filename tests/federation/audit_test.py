"""The log of a running federation, as an auditor sees it: verified by golang.org/x/mod, cosigned by the gateways."""
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from federation import (BIN, Answer, Client, Federation, build_log_verifier, checkpoint_size, shell_job, until,
                        verify_log)

SITES = ("eu-zurich-1", "jp-osaka-1", "us-iowa-1")


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.verifier = build_log_verifier(cls.folder)

    def checkpoint(self, federation):
        return Client(federation.url).raw("GET", "/log/checkpoint")[1]

    def covering(self, federation, index, seconds=10):
        """The first checkpoint that has the entry."""
        def covers():
            try:
                note = self.checkpoint(federation)
            except Answer as answer:
                self.assertEqual(answer.status, 404)  # nothing is cosigned yet
                return None
            return note if checkpoint_size(note) > index else None
        return until(covers, seconds, lambda: f"entry {index} is not published")

    def submit(self, federation, document):
        answer = federation.user.post("/v1/jobs", document)
        return answer["id"], answer["log_index"]

    def verify(self, federation, *more, known=()):
        done = verify_log(self.verifier, federation.url, federation.auditor.token, *more, known=known)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("all verified", done.stdout)

    def receipt_of(self, federation, index):
        """Options that have the verifier check the entry's inclusion from its receipt."""
        entry, receipt = self.folder / "entry", self.folder / "receipt"
        entry.write_bytes(federation.auditor.raw("GET", f"/v1/audit/entries/{index}")[1])
        receipt.write_bytes(federation.auditor.raw("GET", f"/v1/audit/proofs/{index}")[1])
        self.assertEqual(receipt.read_text().split("\n")[1], f"index {index}")
        return ["-entry", entry, "-receipt", receipt]

    def test_programs_of_others_verify_the_log_of_a_running_broker(self):
        with Federation() as federation:
            known = [self.covering(federation, 0)]
            for number in range(4):
                job, index = self.submit(federation, shell_job(f"echo {number}"))
                known.append(self.covering(federation, index))
                federation.user.wait(job)
                event = federation.auditor.get(f"/v1/audit/entries/{index}")
                self.assertEqual((event["type"], event["subject"]), ("org.tradewind.job.submitted", job))
                self.verify(federation, *self.receipt_of(federation, index), known=known)
            self.assertGreater(len(set(known)), 3)

    def test_gateways_cosign_and_without_them_nothing_is_published(self):
        with Federation() as federation:
            before = self.covering(federation, 0)
            lines = [subprocess.run([BIN / "tradewind-gateway", "witness-key", "--dir", federation.dir / "sites" / site],
                                    capture_output=True, text=True, check=True).stdout for site in SITES]
            witnesses = [word for line in lines for word in ("-witness", line.split()[2])]
            policy = federation.dir / "witness-policy"
            policy.write_text("".join(lines) + f"group sites all {' '.join(SITES)}\nquorum sites\n")
            (federation.dir / "broker-options").write_text(f"--witness-policy\n{policy}\n--witness-require\n")
            federation.kill("broker", signal.SIGTERM)
            federation.start("broker")
            known = [before, self.covering(federation, self.submit(federation, shell_job("true"))[1], seconds=30)]
            self.verify(federation, *witnesses, known=known)
            self.assertEqual(federation.auditor.get("/v1/audit/status")["cosignatures"], len(SITES))

            for site in SITES:
                federation.kill(site, signal.SIGTERM)
            jobs = [self.submit(federation, shell_job("true")) for _ in range(3)]

            def quorum_is_missing():
                status = federation.auditor.get("/v1/audit/status")
                return status if not status["quorum"] and len(status["missing"]) == len(SITES) else None
            status = until(quorum_is_missing, 20)
            for site, told in zip(SITES, sorted(status["missing"])):
                self.assertIn(site, told)
            stuck = self.checkpoint(federation)
            self.assertLessEqual(checkpoint_size(stuck), jobs[0][1])
            jobs.append(self.submit(federation, shell_job("true")))
            time.sleep(2)  # ten times what a publication takes
            self.assertEqual(self.checkpoint(federation), stuck)
            self.assertGreater(federation.auditor.get("/v1/audit/status")["written"], jobs[-1][1])

            for site in SITES:
                federation.start(site)
            self.covering(federation, jobs[-1][1], seconds=30)
            known.append(stuck)
            for job, index in jobs:
                self.assertEqual(federation.user.wait(job)["state"], "succeeded")
                self.covering(federation, index)
            self.verify(federation, *witnesses, *self.receipt_of(federation, jobs[0][1]), known=known)


if __name__ == "__main__":
    unittest.main()
