"""A data set's residency binds every job that uses it: by name, by URL, of any tenant, after a restart too."""
import hashlib
import json
import subprocess
import unittest

from federation import BIN, Answer, Client, Federation, shell_job, until


class Datasets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())
        cls.user = cls.federation.user
        cls.file = cls.federation.dir / "data" / "genome.txt"
        cls.file.write_text("ACGT\n")
        cls.url = f"file://{cls.file}"
        secret = subprocess.run([BIN / "tradewind", "token", "issue", "--file", cls.federation.dir / "tokens.toml",
                                 "--name", "other", "--tenant", "other"], capture_output=True, text=True, check=True)
        cls.other = Client(cls.federation.url, secret.stdout.strip())
        until(cls.other_is_known, 10)  # the broker looks at its tokens now and then
        cls.federation.cli("dataset", "set", "genome", "--replica", cls.url, "--size-bytes", "5", "--residency", "CH",
                           "--sha256", hashlib.sha256(b"ACGT\n").hexdigest())

    @classmethod
    def other_is_known(cls):
        try:
            return cls.other.get("/v1/jobs")
        except Answer:
            return None

    def place_of(self, client, document):
        job = client.wait(client.submit(document))
        self.assertEqual(job["state"], "succeeded", json.dumps(job)[:2000])
        return job

    def reading(self, **source):
        return shell_job("cat /data/in", inputs=[{"path": "/data/in", **source}])

    def test_a_job_that_names_it_runs_where_it_may_be_processed(self):
        elsewhere = self.place_of(self.user, shell_job("true"))
        self.assertNotEqual(elsewhere["site"], "eu-zurich-1", "the cheapest site is another")
        job = self.place_of(self.user, self.reading(dataset="genome"))
        self.assertEqual(job["site"], "eu-zurich-1")
        self.assertEqual(job["bound_inputs"][0]["residency"], ["CH"])
        self.assertEqual(job["attempts"][-1]["report"]["inputs"][0]["size_bytes"], 5)
        decision = self.user.get(f"/v1/jobs/{job['id']}/decision")
        self.assertIn("data_residency", {each["reason"] for each in decision["rejections"]})

    def test_nobody_evades_it_by_spelling_the_url_out(self):
        spelled = self.url.replace("/data/genome", "/data/./x/../%67enome")
        for client in (self.user, self.other):
            self.assertEqual(self.place_of(client, self.reading(url=self.url))["site"], "eu-zurich-1")
        with self.assertRaises(Answer) as caught:
            self.other.submit(self.reading(url=spelled, residency=["US"]))
        self.assertEqual(caught.exception.status, 400)
        self.assertEqual(caught.exception.json()["field"], "inputs[0].residency[0]")
        task = self.other.post("/ga4gh/tes/v1/tasks", {
            "executors": [{"image": "debian:12", "command": ["cat", "/data/in"]}],
            "inputs": [{"url": self.url, "path": "/data/in"}]})["id"]
        self.assertEqual(self.other.wait(task)["site"], "eu-zurich-1")

    def test_another_tenant_neither_sees_it_nor_may_name_it(self):
        self.assertEqual(self.other.get("/v1/datasets")["datasets"], [])
        for ask in (lambda: self.other.get("/v1/datasets/genome"),
                    lambda: self.other.submit(self.reading(dataset="genome"))):
            with self.assertRaises(Answer) as caught:
                ask()
            self.assertEqual(caught.exception.status, 404)

    def test_it_is_there_after_the_broker_was_killed(self):
        self.federation.cli("dataset", "set", "passing", "--replica", "https://x.example/y", "--residency", "JP")
        self.federation.cli("dataset", "remove", "passing")
        self.federation.kill("broker")
        self.federation.start("broker")
        shown = until(lambda: self.user.get("/v1/datasets"), 30)["datasets"]
        self.assertEqual([each["name"] for each in shown], ["genome"])
        self.assertEqual(shown[0]["residency"], ["CH"])
        self.assertEqual(self.place_of(self.other, self.reading(url=self.url))["site"], "eu-zurich-1")

    def test_the_command_line_shows_it(self):
        self.assertIn("genome", self.federation.cli("dataset", "list").stdout)
        shown = self.federation.cli("dataset", "show", "genome").stdout
        self.assertIn("in CH only", shown)
        self.assertIn(self.url, shown)
        self.assertEqual(self.federation.cli("dataset", "show", "nothing", check=False).returncode, 3)
        job = self.federation.cli("submit", "--wait", "--dataset", "/data/in=genome", "--", "cat", "/data/in")
        self.assertEqual(job.returncode, 0)


if __name__ == "__main__":
    unittest.main()
