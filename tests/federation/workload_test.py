"""The sample workload comes out as said: places, prices, digests, the array, the site that dies."""
import subprocess
import sys
import unittest

from federation import ROOT, Federation


class Workload(unittest.TestCase):
    def test_everything_comes_out_as_said(self):
        with Federation() as federation:
            done = subprocess.run([sys.executable, "-B", ROOT / "deploy/sample/workload.py", federation.dir],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("every digest was compared", done.stdout)


if __name__ == "__main__":
    unittest.main()
