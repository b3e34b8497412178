"""The command blocks of the users' pages run as they stand."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from federation import BIN, ROOT, Federation

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Docs(unittest.TestCase):
    def run_blocks(self, page, federation, folder, token):
        env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "TRADEWIND_URL": federation.url,
               "TRADEWIND_TOKEN": token}
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

    def test_the_readme_names_commands_and_pages_that_exist(self):
        readme = (ROOT / "README.md").read_text()
        for command in BLOCK.findall(readme):
            program = ROOT / command.split()[0]
            self.assertTrue(os.access(program, os.X_OK), program)
        for page in re.findall(r"\]\((docs/[^)]*)\)", readme):
            self.assertTrue((ROOT / page).exists(), page)


if __name__ == "__main__":
    unittest.main()
