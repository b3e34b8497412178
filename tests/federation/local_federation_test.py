"""What deploy/local-federation promises."""
import os
import pathlib
import subprocess
import tempfile
import unittest

from federation import BIN, ROOT, Answer, Client, Federation, shell_job


class LocalFederation(unittest.TestCase):
    def run_script(self, *arguments):
        return subprocess.run([ROOT / "deploy/local-federation", *map(str, arguments)], capture_output=True, text=True,
                              env={**os.environ, "TRADEWIND_BIN": str(BIN)})

    def test_open_lets_requests_without_credentials_act_as_the_default_tenant(self):
        with Federation(open_to_all=True) as federation:
            anybody = Client(federation.url)
            job = anybody.submit(shell_job("true"))
            self.assertEqual(anybody.wait(job)["tenant"], "default")
            with self.assertRaises(Answer) as caught:
                anybody.post("/v1/invites", {"site": "more-1"})
            self.assertIn(caught.exception.status, (401, 403))

    def test_without_open_a_request_needs_credentials(self):
        with Federation() as federation:
            with self.assertRaises(Answer) as caught:
                Client(federation.url).get("/v1/jobs")
            self.assertEqual(caught.exception.status, 401)
            self.assertIn("WWW-Authenticate", caught.exception.headers)

    def test_two_run_side_by_side_and_know_nothing_of_each_other(self):
        with Federation() as one, Federation() as other:
            job = one.user.submit(shell_job("true"))
            self.assertEqual(one.user.wait(job)["state"], "succeeded")
            self.assertEqual(other.user.all_jobs(), [])
            with self.assertRaises(Answer) as caught:
                Client(other.url, one.user.token).get("/v1/jobs")
            self.assertEqual(caught.exception.status, 401)

    def test_down_ends_everything_and_up_goes_on_where_it_was(self):
        with Federation() as federation:
            job = federation.user.submit(shell_job("echo kept"))
            federation.user.wait(job)
            pids = [federation.pid(name) for name in ("broker", "eu-zurich-1", "us-iowa-1", "jp-osaka-1")]
            self.assertIn("running", self.run_script("status", federation.dir).stdout)
            self.assertEqual(self.run_script("down", federation.dir).returncode, 0)
            for pid in pids:
                status = pathlib.Path(f"/proc/{pid}/stat")
                self.assertTrue(not status.exists() or ") Z " in status.read_text(), f"{pid} still runs")
            again = self.run_script("up", federation.dir)
            self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
            self.assertEqual(federation.user.job(job)["state"], "succeeded")
            self.assertEqual(federation.user.wait(federation.user.submit(shell_job("true")))["state"], "succeeded")

    def test_wrong_options_are_refused_with_a_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            for arguments in (("up",), ("sideways", folder), ("up", folder, "--colour"), ("status", folder + "/none")):
                done = self.run_script(*arguments)
                self.assertNotEqual(done.returncode, 0)
                self.assertTrue(done.stderr)


if __name__ == "__main__":
    unittest.main()
