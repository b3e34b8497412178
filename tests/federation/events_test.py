"""The log, the programs' own logs and the metrics tell one story in the same words."""
import json
import re
import signal
import unittest

from federation import Client, Federation, until

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
        told = until(lambda: (lambda found: found if found and found[-1]["type"].endswith("attempt.ended") else None)
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

    def test_a_gateway_tells_its_figures_in_the_same_words(self):
        site = "eu-zurich-1"
        self.federation.kill(site, signal.SIGTERM)
        self.federation.options(site, "--metrics", "127.0.0.1:0")
        self.federation.start(site)
        address = re.search(r"metrics\.listening address=(\S+)", self.log(site))[1]

        def figures():
            return Client("http://" + address).raw("GET", "/metrics")[1].decode()
        job = self.federation.user.submit({"command": ["true"], "constraints": {"sites_allowed": [site]}})
        self.federation.user.wait(job)
        until(lambda: re.search(r'tradewind_events_total{event="attempt.ended"} [1-9]', figures()), 10, figures)
        text = figures()
        self.assertIn('tradewind_site_state{state="active"} 1', text)
        self.assertRegex(text, r'tradewind_attempts{phase="running"} 0')
        broker = self.federation.operator.raw("GET", "/metrics")[1].decode()
        for name in ("gossip_sent_bytes_total", "gossip_received_bytes_total", "gossip_rounds_total",
                     "gossip_verifying_seconds_total", "gossip_sheet_age_seconds_count", "link_received_total",
                     "disk_free_bytes", "disk_reserve_bytes"):
            for each in (text, broker):
                self.assertRegex(each, rf"tradewind_{name} [0-9.]*[1-9]")
        for name in re.findall(r"# TYPE (tradewind_(?:gossip|link)_\w+) ", text):
            self.assertIn(f"# TYPE {name} ", broker)

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
