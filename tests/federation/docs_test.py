"""The command blocks of the users' pages run as they stand."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from federation import BIN, ROOT, Federation, shell_job, until

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Docs(unittest.TestCase):
    def run_blocks(self, page, federation, folder, token, **more):
        env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "TRADEWIND_URL": federation.url,
               "TRADEWIND_TOKEN": token, **more}
        blocks = BLOCK.findall((ROOT / "docs" / page).read_text())
        self.assertTrue(blocks, f"{page} has no command block")
        for block in blocks:
            with self.subTest(page=page, block=block):
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=env,
                                      capture_output=True, text=True, timeout=120)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_submitting(self):
        with Federation() as federation, tempfile.TemporaryDirectory() as folder:
            self.run_blocks("submitting.md", federation, folder, federation.user.token)

    def test_operating(self):
        with Federation() as federation, tempfile.TemporaryDirectory() as folder:
            self.run_blocks("operating.md", federation, folder, federation.operator.token)

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
