"""The command blocks of the users' pages run as they stand."""
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

from federation import BIN, ROOT, Federation, shell_job, until

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Docs(unittest.TestCase):
    def run_blocks(self, page, federation, folder, token, **more):
        for _ in self.blocks(page, federation, folder, token, **more):
            pass

    def blocks(self, page, federation, folder, token, **more):
        """Runs the page's blocks, each when the one before has been looked at, and tells which one has run."""
        env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "TRADEWIND_URL": federation.url,
               "TRADEWIND_TOKEN": token, **more}
        blocks = BLOCK.findall((ROOT / "docs" / page).read_text())
        self.assertTrue(blocks, f"{page} has no command block")
        for block in blocks:
            with self.subTest(page=page, block=block):
                if block.startswith("deploy/build "):  # tests run with the programs that are built
                    self.assertTrue(os.access(ROOT / block.split()[0], os.X_OK), block)
                else:
                    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=env,
                                          capture_output=True, text=True, timeout=120)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            yield block

    def test_submitting(self):
        with Federation() as federation, tempfile.TemporaryDirectory() as folder:
            self.run_blocks("submitting.md", federation, folder, federation.user.token)

    def test_operating(self):
        with Federation() as federation, tempfile.TemporaryDirectory() as folder:
            self.run_blocks("operating.md", federation, folder, federation.operator.token)

    def test_joining(self):
        """A site joins, sells within ten seconds, changes what it sells, and leaves."""
        site = "us-lincoln-1"
        with Federation() as federation, tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "deploy").symlink_to(ROOT / "deploy")
            (folder / "token").write_text(federation.cli("site", "invite", site, "--quiet", token="operator").stdout)

            def offer():
                (found,) = [each for each in federation.user.get("/v1/offers")["offers"] if each["site"] == site] or [None]
                return found

            def submit():
                return federation.user.submit(shell_job("sleep 0.1", constraints={"sites_allowed": [site]}))

            def runs(seconds):
                job = federation.user.wait(submit(), seconds=seconds)
                self.assertEqual(job["state"], "succeeded", job)
                return job

            def waits():
                job = submit()
                until(lambda: federation.user.job(job)["state"] == "queued", 10)
                self.assertEqual(federation.user.job(job)["attempts"], [])
                federation.cli("cancel", job)
            commands = []
            for block in self.blocks("joining.md", federation, folder, "none",
                                     TRADEWIND_DATA=str(federation.dir / "data")):
                commands.append(block)
                if " join " in block:
                    joined = time.monotonic()
                elif " run " in block:
                    self.assertLessEqual(len(commands), 5)
                    until(lambda: offer() and offer()["quote_valid"], joined + 10 - time.monotonic())
                    before = offer()
                    job = runs(joined + 10 - time.monotonic())
                    self.assertEqual(job["site"], site)
                    self.assertGreater(float(job["cost"]), 0, "it was paid")
                elif "0.030" in block:
                    until(lambda: float(offer()["unit_price_per_hour"]) < float(before["unit_price_per_hour"]), 10)
                    runs(10)
                elif "quota_wh = 0" in block:
                    until(lambda: offer()["units_free"] == 0, 10)
                    waits()
                elif "/d'" in block:
                    until(lambda: offer()["units_free"] > 0, 10)
                    runs(10)
                elif "draining" in block:
                    until(lambda: "state=draining" in (folder / "gateway.log").read_text(), 10)
                    until(lambda: federation.user.get(f"/v1/sites/{site}")["state"] == "draining", 10)
                    waits()
            pid = pathlib.Path("/proc", (folder / "gateway.pid").read_text().strip())
            until(lambda: not pid.exists() or ") Z " in (pid / "stat").read_text(), 10)
            federation.cli("site", "state", site, "revoked", token="operator")
            until(lambda: not offer(), 10)

    def test_auditing(self):
        with Federation() as federation, tempfile.TemporaryDirectory() as folder:
            jobs = [federation.user.submit(shell_job(f"echo {number}")) for number in range(3)]
            for job in jobs:
                federation.user.wait(job)

            def published():
                events = federation.auditor.get(f"/v1/audit/entries?job={jobs[1]}")["entries"]
                return any('"type":"org.tradewind.attempt.ended"' in each["event"] for each in events)
            until(published, 10)
            self.run_blocks("auditing.md", federation, folder, federation.auditor.token, JOB=jobs[1])
            self.walk_of_auditing_holds_for_all_entries(federation, pathlib.Path(folder))

    def walk_of_auditing_holds_for_all_entries(self, federation, folder):
        (walk,) = [each for each in BLOCK.findall((ROOT / "docs/auditing.md").read_text()) if "done <way" in each]

        def holds():
            return subprocess.run(["bash", "-euo", "pipefail", "-c", walk], cwd=folder, capture_output=True).returncode == 0
        size = federation.auditor.get("/v1/audit/status")["checkpoint"]["size"]
        for index in range(size):
            (folder / "index").write_text(f"{index}\n")
            (folder / "entry").write_bytes(federation.auditor.raw("GET", f"/v1/audit/entries/{index}")[1])
            (folder / "receipt").write_bytes(federation.auditor.raw("GET", f"/v1/audit/proofs/{index}")[1])
            self.assertTrue(holds(), f"entry {index} of {size}")
        (folder / "index").write_text(f"{index - 1}\n")
        self.assertFalse(holds(), "another index")
        (folder / "index").write_text(f"{index}\n")
        (folder / "entry").write_bytes((folder / "entry").read_bytes() + b" ")
        self.assertFalse(holds(), "another entry")

    def test_the_readme_names_commands_and_pages_that_exist(self):
        readme = (ROOT / "README.md").read_text()
        for command in BLOCK.findall(readme):
            program = ROOT / command.split()[0]
            self.assertTrue(os.access(program, os.X_OK), program)
        for page in re.findall(r"\]\((docs/[^)]*)\)", readme):
            self.assertTrue((ROOT / page).exists(), page)


if __name__ == "__main__":
    unittest.main()
