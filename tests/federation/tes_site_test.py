"""A federation whose site is another federation's TES endpoint: a job goes through both, once, whatever dies or is lost.

TRADEWIND_TES_JOBS says how many jobs go through the faults (default 20).
"""
import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from federation import Federation, Ledger, shell_job, until
from http_proxy import HttpProxy

JOBS = int(os.environ.get("TRADEWIND_TES_JOBS", "20"))

BEHIND = """
[site]
id = "behind"
region = "us-iowa"
jurisdiction = "US"
provider = "The centre behind"

[link]
listen = "tcp://127.0.0.1:0"

[[pool]]
id = "main"
architecture = "amd64"
nodes = 4
node = { cpus = 64, memory_gib = 64, disk_gib = 100 }
tariff = { cpu_hour = "0.01" }
price_curve = { a = "0", exponent = 1 }

[staging]
file_roots = ["${TRADEWIND_DATA}"]
write_roots = ["${TRADEWIND_DATA}/results"]
allow_private_hosts = true
"""

BEFORE = """
[site]
id = "before"
region = "eu-zurich"
jurisdiction = "CH"
provider = "The centre before"

[link]
listen = "tcp://127.0.0.1:0"

[[pool]]
id = "all"
architecture = "amd64"
nodes = 1
node = {{ cpus = 256, memory_gib = 256, disk_gib = 100 }}
tariff = {{ cpu_hour = "0.02" }}
price_curve = {{ a = "0", exponent = 1 }}

[engine]
kind = "tes"

[engine.tes]
url = "http://127.0.0.1:{port}/ga4gh/tes/v1"
token_file = "{dir}/user.token"
user = "before"
image = "debian:12"
outputs_url = "file://{dir}/data/results/kept"
pools = {{ all = {{ zones = ["site:behind"] }} }}
"""


class TesSite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tradewind-tes-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        for side in ("behind", "before"):
            (folder / side).mkdir()
        (folder / "behind/behind.toml").write_text(BEHIND)
        env = {"TRADEWIND_LEASE_SECONDS": "30"}
        cls.behind = cls.enterClassContext(Federation(folder / "behind", env=env))
        cls.proxy = cls.enterClassContext(HttpProxy(int(cls.behind.url.rpartition(":")[2]), "/tasks"))
        (folder / "before/before.toml").write_text(BEFORE.format(port=cls.proxy.port, dir=cls.behind.dir))
        cls.before = cls.enterClassContext(Federation(folder / "before", env=env))

    @property
    def attempts(self):
        return self.before.dir / "sites/before/attempts"

    def tasks_of(self, job):
        """The tasks behind of a job's attempts."""
        return [task for task in self.behind.user.all_jobs() if f".{job}." in task["name"]]

    def test_a_job_goes_through_both_with_inputs_outputs_logs_and_exit_codes(self):
        data = self.behind.dir / "data"
        (data / "in.txt").write_text("one two three\n")
        user = self.before.user
        job = user.submit(shell_job(
            "cat /data/a /data/b | wc -w >/data/out; cp /data/a /data/kept; echo said; echo noise >&2",
            inputs=[{"path": "/data/a", "replicas": [{"url": (data / "in.txt").as_uri()}]},
                    {"path": "/data/b", "content": "four\n"}],
            outputs=[{"path": "/data/out", "url": (data / "results/words").as_uri()}, {"path": "/data/kept"}]))
        ended = user.wait(job)
        self.assertEqual(ended["state"], "succeeded", ended)
        self.assertEqual((data / "results/words").read_text().strip(), "4")
        (task,) = self.tasks_of(job)
        attempt = ended["attempts"][-1]
        kept = next(each for each in attempt["report"]["outputs"] if each["path"] == "/data/kept")
        self.assertEqual(pathlib.Path(kept["url"].removeprefix("file://")).read_text(), "one two three\n")
        self.assertEqual(user.raw("GET", f"/v1/jobs/{job}/logs")[1], b"said\n")
        self.assertEqual(user.raw("GET", f"/v1/jobs/{job}/logs?stream=stderr")[1], b"noise\n")
        self.assertEqual(task["site"], "behind")

        failed = user.wait(user.submit(shell_job("echo bad >&2; exit 7", attempts_max=1)))
        self.assertEqual(failed["state"], "failed")
        self.assertEqual(failed["attempts"][-1]["report"]["executors"][0]["exit_code"], 7)

    def test_a_cancel_reaches_the_server_behind(self):
        user = self.before.user
        job = user.submit(shell_job("sleep 100"))
        user.wait(job, ("running",))
        user.post(f"/v1/jobs/{job}:cancel")
        self.assertEqual(user.wait(job)["state"], "canceled")
        (task,) = self.tasks_of(job)
        self.assertEqual(self.behind.user.job(task["id"])["state"], "canceled")

    def test_a_task_of_an_attempt_that_is_over_is_canceled_and_others_are_left_alone(self):
        own = (self.attempts / "tes_name").read_text()
        def task(key):
            return self.behind.user.post("/ga4gh/tes/v1/tasks", {
                "name": f"tradewind.{key}", "tags": {"tradewind_attempt": key},
                "executors": [{"image": "debian:12", "command": ["sleep", "20"]}]})["id"]
        late, foreign = task(f"{own}.jakzm000000006.9"), task(f"0{own[1:]}x.jakzm000000006.9")
        self.assertEqual(self.behind.user.wait(late)["state"], "canceled")
        self.assertNotIn(self.behind.user.job(foreign)["state"], ("canceled", "failed"))
        self.behind.user.post(f"/v1/jobs/{foreign}:cancel")

    def test_nothing_is_offered_while_the_server_is_away(self):
        def units_free():
            (offer,) = [each for each in self.before.operator.get("/v1/offers")["offers"] if each["site"] == "before"]
            return offer["units_free"]
        until(lambda: units_free() > 0, 60)
        self.behind.kill("broker")
        until(lambda: units_free() == 0, 60, lambda: f"{units_free()} units are offered")
        job = self.before.user.submit(shell_job("true"))
        self.behind.start("broker")
        self.assertEqual(self.before.user.wait(job)["state"], "succeeded")
        self.assertEqual(len(self.tasks_of(job)), 1)

    def test_a_server_without_idempotency_keys_is_looked_at_before_a_task_is_created_again(self):
        self.before.kill("before", signal.SIGTERM)
        self.proxy.hidden = b"idempotency_key"
        try:
            self.before.start("before")
            self.proxy.answers_to_lose = 3
            jobs = [self.before.user.submit(shell_job("true")) for _ in range(4)]
            for job in jobs:
                self.assertEqual(self.before.user.wait(job)["state"], "succeeded")
                (task,) = self.tasks_of(job)
                task = self.behind.user.get(f"/ga4gh/tes/v1/tasks/{task['id']}?view=BASIC")
                self.assertNotIn("idempotency_key", task["resources"]["backend_parameters"])
            self.assertEqual(self.proxy.answers_to_lose, 0)
        finally:
            self.proxy.hidden = b""
            self.before.kill("before", signal.SIGTERM)
            self.before.start("before")

    def test_jobs_end_once_though_answers_are_lost_and_gateway_and_server_die(self):
        with Ledger() as ledger:
            document = shell_job(ledger.command("sleep 1"), network=True, attempts_max=20)
            self.proxy.answers_to_lose, self.proxy.requests_to_delay = 5, 5
            before = self.proxy.lost
            array = self.before.user.call("POST", "/v1/jobs", {**document, "array": {"count": JOBS}})["id"]
            until(lambda: self.proxy.lost == before + 10 and len(ledger.lines) > JOBS // 10, 60)
            self.before.kill("before")
            self.behind.kill("broker")
            self.before.start("before")
            self.behind.start("broker")
            more = self.before.user.call("POST", "/v1/jobs", {**document, "array": {"count": JOBS}})["id"]
            until(lambda: len(ledger.lines) > 2 * JOBS + JOBS // 2, 60)
            self.behind.kill("broker")
            self.before.kill("before")
            # As if it had died before it wrote down what the server had answered: tags tell.
            for file in self.attempts.glob("*/state/task"):
                file.unlink()
            self.behind.start("broker")
            self.before.start("before")
            for each in (array, more):
                states = self.before.user.wait_array(each, JOBS)
                self.assertEqual(states.get("succeeded"), JOBS, states)
            jobs = [job["id"] for each in (array, more) for job in self.before.user.all_jobs(f"&array={each}")]
            self.assertEqual(len(jobs), 2 * JOBS)
            for job in jobs:
                counts = ledger.count("start", job), ledger.count("end", job)
                self.assertEqual(counts, (1, 1), f"{job}: {self.tasks_of(job)}")
                self.assertEqual(len(self.tasks_of(job)), 1, job)


if __name__ == "__main__":
    unittest.main()
