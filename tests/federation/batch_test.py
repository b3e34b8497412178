"""Batches of jobs and jobs after others: one bad line harms none, the same key gives the same ids, also after the broker
was killed, and what comes after a job ends with it."""
import json
import unittest

from federation import Answer, Federation, shell_job, until

LINES = 2_000


class Batch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())
        cls.user = cls.federation.user

    def send(self, lines, key=None):
        headers = {"Content-Type": "application/x-ndjson"} | ({"Idempotency-Key": key} if key else {})
        status, body, _ = self.user.raw("POST", "/v1/jobs", "\n".join(lines).encode(), headers=headers, timeout=120)
        self.assertEqual(status, 200)
        return [json.loads(line) for line in body.splitlines()]

    def test_two_thousand_jobs_with_bad_lines_sent_twice_over_a_kill(self):
        lines = [json.dumps(shell_job("sleep 600", name="first"))]
        for number in range(2, LINES + 1):
            bad = number % 100 == 0
            lines.append(json.dumps(shell_job("true", name="batch", after=["@1"]) | ({"cpus": 1} if bad else {})))
        first = self.send(lines, "batch-1")
        self.assertEqual([each["line"] for each in first], list(range(1, LINES + 1)))
        for each in first:
            self.assertEqual("error" in each, each["line"] % 100 == 0, each)
        ids = [each["id"] for each in first if "id" in each]
        self.assertEqual(len(set(ids)), LINES - LINES // 100)

        self.federation.kill("broker")
        self.federation.start("broker")
        again = self.send(lines, "batch-1")
        self.assertEqual([each.get("id") for each in again], [each.get("id") for each in first])
        self.assertTrue(all(each.get("repeated") for each in again if "id" in each))
        self.assertEqual(len(self.user.all_jobs("&name_prefix=batch")), len(ids) - 1)

        told = self.user.job(ids[1])
        self.assertEqual(told["state"], "queued")
        self.assertEqual(told["waits_for"][0]["id"], ids[0])
        self.user.wait(ids[0], states=("running",))
        self.user.post(f"/v1/jobs/{ids[0]}:cancel")
        self.user.wait(ids[0], states=("canceled",))
        for each in self.user.all_jobs("&name_prefix=batch"):
            self.assertEqual(each["state"], "failed")
            self.assertEqual(each["end_reason"], f"it comes after {ids[0]}, which was canceled")
        with self.assertRaises(Answer) as refused:
            self.user.submit(shell_job("true", after=[ids[0]]))
        self.assertEqual(refused.exception.status, 409)

    def test_a_workflow_runs_in_its_order(self):
        array = self.user.submit(shell_job("true", array={"count": 3}))
        steps = self.send([json.dumps(shell_job("true", after=[array])),
                           json.dumps(shell_job("true", after=["@1"], total_seconds_max=600))])
        ended = [self.user.wait(each["id"]) for each in steps]
        self.assertEqual([each["state"] for each in ended], ["succeeded", "succeeded"])
        self.assertGreaterEqual(ended[1]["started_at"], ended[0]["ended_at"])
        for task in self.user.all_jobs(f"&array={array}"):
            self.assertGreaterEqual(ended[0]["started_at"], task["ended_at"])
        after_all = self.user.submit(shell_job("true", after=[array, steps[1]["id"]]))
        self.assertEqual(self.user.wait(after_all)["state"], "succeeded")

    def test_an_array_with_a_failed_task_can_be_come_after_no_more(self):
        array = self.user.submit(shell_job("test $TRADEWIND_ARRAY_INDEX != 1", array={"count": 3}))
        waits = self.user.submit(shell_job("true", after=[array]))
        ended = self.user.wait(waits)
        self.assertEqual(ended["state"], "failed")
        self.assertIn(f"{array}-00001 failed", ended["end_reason"])
        self.user.wait_array(array, 3)
        with self.assertRaises(Answer) as refused:
            self.user.submit(shell_job("true", after=[array]))
        self.assertEqual(refused.exception.status, 409)
        self.assertIn(f"{array}-00001", refused.exception.json()["detail"])

    def test_jobs_of_nobody_or_of_others_are_not_there(self):
        token = self.federation.cli("token", "issue", "--file", str(self.federation.dir / "tokens.toml"), "--name",
                                    "other", "--role", "user", "--tenant", "other").stdout.strip()
        job = self.user.submit(shell_job("true"))
        other = type(self.user)(self.user.url, token)
        for client, name in ((other, job), (self.user, "j000000000zzzz")):
            def refused(client=client, name=name):
                try:
                    client.submit(shell_job("true", after=[name]))
                except Answer as answer:
                    return answer if answer.status != 401 else None  # until the tokens are read again
                raise AssertionError("it was taken")
            answer = until(refused, 20)
            self.assertEqual((answer.status, answer.json()["field"]), (404, "after"))

    def test_a_job_fails_when_its_total_time_is_over(self):
        job = self.user.submit(shell_job("sleep 600", total_seconds_max=3))
        ended = self.user.wait(job)
        self.assertEqual(ended["state"], "failed")
        self.assertIn("total time limit", ended["end_reason"])
        self.assertTrue(ended["cancel_requested"])

    def test_the_command_tells_each_refused_line(self):
        text = "\n".join([json.dumps(shell_job("true")), "{}", json.dumps(shell_job("true", after=["@1"]))])
        done = self.federation.cli("submit", "--batch", "-", text_in=text, check=False)
        self.assertEqual(done.returncode, 7)
        self.assertEqual(len(done.stdout.split()), 2)
        self.assertIn("line 2:", done.stderr)
        self.assertIn("2 submitted, 0 of them before; 1 refused", done.stderr)
        done = self.federation.cli("submit", "--batch", "-", "-o", "json", text_in=text, check=False)
        self.assertEqual([json.loads(line)["line"] for line in done.stdout.splitlines()], [1, 2, 3])
        last = done.stdout.splitlines()[2]
        waits = self.federation.cli("submit", "--after", json.loads(last)["id"], "--wait", "--", "true")
        self.assertEqual(waits.returncode, 0)


if __name__ == "__main__":
    unittest.main()
