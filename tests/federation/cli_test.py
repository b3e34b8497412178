"""The command line as people and scripts use it."""
import json
import os
import subprocess
import unittest

from federation import BIN, Federation, until


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())

    def cli(self, *arguments, **more):
        return self.federation.cli(*arguments, **more)

    def test_submit_and_follow_shows_the_output_and_exits_with_success(self):
        done = self.cli("submit", "--follow", "--", "sh", "-c", "echo one; sleep 0.5; echo two")
        self.assertEqual(done.stdout, "one\ntwo\n")

    def test_the_exit_code_tells_what_went_wrong(self):
        self.assertEqual(self.cli("submit", "--wait", "--", "false", check=False).returncode, 1)
        self.assertEqual(self.cli("submit", check=False).returncode, 2)
        self.assertEqual(self.cli("jobs", "j0000000000000", check=False).returncode, 3)
        self.assertEqual(self.cli("--token", "nonsense", "jobs", check=False).returncode, 4)
        self.assertEqual(self.cli("--url", "http://127.0.0.1:1", "jobs", check=False).returncode, 5)
        done = self.cli("quote", "--accelerators", "8", "--accelerator-family", "cuda", "--", "train", check=False)
        self.assertEqual(done.returncode, 6, done.stdout + done.stderr)

    def test_errors_name_the_field_and_the_remedy(self):
        done = self.cli("submit", "--cost-max", "many", "--", "true", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("constraints.cost_max", done.stderr)
        done = self.cli("submit", "--file", "-", check=False, text_in="command: [\"true\"]\ncolour: red\n")
        self.assertIn("colour", done.stderr)

    def test_json_output_is_for_programs(self):
        job = json.loads(self.cli("--output", "json", "submit", "--", "true").stdout)["id"]
        self.federation.user.wait(job)
        shown = json.loads(self.cli("--output", "json", "jobs", job).stdout)
        self.assertEqual((shown["id"], shown["state"]), (job, "succeeded"))
        listed = json.loads(self.cli("--output", "json", "jobs", "--state", "succeeded").stdout)
        self.assertIn(job, [each["id"] for each in listed["jobs"]])
        decision = json.loads(self.cli("--output", "json", "explain", job).stdout)
        self.assertEqual(decision["chosen"]["site"], shown["site"])

    def test_explain_shows_the_numbers_that_decided(self):
        job = self.cli("submit", "--duration-seconds", "60", "--", "true").stdout.strip()
        self.federation.user.wait(job)
        text = self.cli("explain", job).stdout
        decision = self.federation.user.get(f"/v1/jobs/{job}/decision")
        self.assertIn(decision["chosen"]["site"], text)
        for each in decision["runners_up"] + decision["rejections"]:
            self.assertIn(each["site"], text)

    def test_a_submission_with_a_key_is_the_same_job_again(self):
        first = self.cli("submit", "--idempotency-key", "k1", "--", "true").stdout
        self.assertEqual(self.cli("submit", "--idempotency-key", "k1", "--", "true").stdout, first)

    def test_logs_can_be_followed_while_the_job_runs(self):
        job = self.cli("submit", "--", "sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.3; done").stdout.strip()
        self.assertEqual(self.cli("logs", "-f", job).stdout, "line 1\nline 2\nline 3\n")

    def test_cancel_ends_a_running_job(self):
        job = self.cli("submit", "--", "sleep", "300").stdout.strip()
        self.federation.user.wait(job, states=("running",))
        self.cli("cancel", job)
        self.assertEqual(self.federation.user.wait(job)["state"], "canceled")

    def test_market_and_sites_show_every_site(self):
        for command in ("market", "sites"):
            text = self.cli(command).stdout
            for site in ("eu-zurich-1", "us-iowa-1", "jp-osaka-1"):
                self.assertIn(site, text)

    def test_sites_show_in_which_state_each_is(self):
        def state(site):
            row = next(line for line in self.cli("sites").stdout.splitlines() if line.startswith(site))
            return next(word for word in row.split() if word in ("active", "suspended", "quarantined"))
        self.assertEqual(state("us-iowa-1"), "active")
        self.cli("site", "state", "us-iowa-1", "suspended", token="operator")
        until(lambda: state("us-iowa-1") == "suspended", 10)
        self.assertNotIn("us-iowa-1", self.cli("market").stdout)
        self.cli("site", "state", "us-iowa-1", "active", token="operator")
        until(lambda: state("us-iowa-1") == "active", 10)

    def test_the_market_can_be_watched(self):
        environment = {**os.environ, "TRADEWIND_URL": self.federation.url,
                       "TRADEWIND_TOKEN": self.federation.user.token}
        with subprocess.Popen([BIN / "tradewind", "market", "--watch"], stdout=subprocess.PIPE, text=True,
                              env=environment) as watching:
            heads = (line for line in watching.stdout if line.startswith("SITE"))
            shown = [next(heads).split() for _ in range(2)]
            watching.terminate()
        self.assertEqual(shown[0], shown[1])
        for column in ("FACTOR", "FREE", "WAIT", "AGE", "QUOTE"):
            self.assertIn(column, shown[0])

    def test_an_array_is_one_submission(self):
        array = self.cli("submit", "--array", "5", "--", "sh", "-c", "echo $TRADEWIND_ARRAY_INDEX").stdout.strip()
        self.federation.user.wait_array(array, 5)
        listed = json.loads(self.cli("-o", "json", "jobs", "--array", array).stdout)["jobs"]
        self.assertEqual(sorted(each["array_index"] for each in listed), [0, 1, 2, 3, 4])
        for each in listed:
            log = self.cli("logs", each["id"]).stdout
            self.assertEqual(log, f"{each['array_index']}\n")

    def test_rates_are_set_by_operators_and_named_by_decisions(self):
        before = json.loads(self.cli("-o", "json", "rates").stdout)
        self.assertEqual(self.cli("rates", "set", "GBP=1.27", check=False).returncode, 4)
        self.cli("rates", "set", "GBP=1.27", "SEK=0.095", token="operator")
        text = self.cli("rates", "set", "GBP=1.2700001", token="operator", check=False).stderr
        self.assertIn("GBP", text)
        after = json.loads(self.cli("-o", "json", "rates").stdout)
        self.assertEqual(after["version"], before["version"] + 1)
        self.assertEqual(after["rates"], before["rates"] | {"GBP": "1.27", "SEK": "0.095"})
        self.assertIn("1.27", self.cli("rates").stdout)
        quote = json.loads(self.cli("-o", "json", "quote", "--", "true").stdout)
        self.assertEqual(quote["rates_version"], after["version"])
        job = self.cli("submit", "--wait", "--", "true")
        refused = self.cli("rates", "set", "--accounting", "CHF", token="operator", check=False)
        self.assertNotEqual(refused.returncode, 0, job.stdout)
        self.assertIn("accounting_currency", refused.stderr)

    def test_a_suspended_site_gets_no_work_until_it_is_active_again(self):
        site = "jp-osaka-1"
        self.assertEqual(self.cli("site", "state", site, "suspended", check=False).returncode, 4)
        self.cli("site", "state", site, "suspended", token="operator")
        try:
            decision = json.loads(self.cli("-o", "json", "quote", "--arch", "arm64", "--", "true", check=False).stdout)
            self.assertNotEqual(decision["outcome"], "placed")
        finally:
            self.cli("site", "state", site, "active", token="operator")
        until(lambda: json.loads(self.cli("-o", "json", "quote", "--arch", "arm64", "--", "true",
                                          check=False).stdout)["outcome"] == "placed", 20)


if __name__ == "__main__":
    unittest.main()
