"""The log, the programs' own logs and the metrics tell one story in the same words."""
import json
import re
import unittest

from federation import Federation, until

WORDS = ("job.submitted", "job.decided", "attempt.granted", "attempt.advanced", "attempt.ended")


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation(env={"TRADEWIND_LOG_LEVEL": "debug"}))

    def events(self, *arguments):
        return json.loads(self.federation.cli("jobs", "--events", *arguments, "-o", "json").stdout)["events"]

    def metric(self, event):
        text = self.federation.operator.raw("GET", "/metrics")[1].decode()
        return int(re.search(rf'tradewind_events_total{{event="{event}"}} (\d+)', text)[1])

    def log(self, name):
        return (self.federation.dir / "log" / f"{name}.out").read_text()

    def test_a_job_is_told_alike_by_the_log_the_programs_and_the_metrics(self):
        job = self.federation.cli("submit", "--wait", "--", "true").stdout.split()[0]
        told = until(lambda: (lambda found: found if found[-1]["type"].endswith("attempt.ended") else None)
                     (self.events(job)), 10)
        names = [each["type"].removeprefix("org.tradewind.") for each in told]
        self.assertEqual(list(dict.fromkeys(names)), list(WORDS))
        broker = self.log("broker")
        site = next(each["site"] for each in told if each["type"].endswith("job.decided"))
        for word in WORDS:
            self.assertRegex(broker, rf"{re.escape(word)} (job|attempt)={job}")
            self.assertGreaterEqual(self.metric(word), names.count(word))
        for word in WORDS[2:]:
            self.assertRegex(self.log(site), rf"{re.escape(word)} attempt={job}#1 site={site}")

    def test_events_can_be_followed_until_the_job_has_ended(self):
        job = self.federation.cli("submit", "--", "sleep", "1").stdout.strip()
        lines = self.federation.cli("jobs", "--events", "--follow", job).stdout.splitlines()
        self.assertIn("job.submitted", lines[0])
        self.assertIn("attempt.ended", lines[-1])
        self.assertEqual(len(lines), len(set(lines)), "an event is told twice")

    def test_without_a_job_the_last_hour_is_told(self):
        job = self.federation.cli("submit", "--wait", "--", "true").stdout.split()[0]
        until(lambda: any(each["subject"].startswith(job) for each in self.events("--limit", "1000")), 10)


if __name__ == "__main__":
    unittest.main()
