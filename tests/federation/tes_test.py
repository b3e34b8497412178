"""An unmodified GA4GH TES 1.1 client's flow, by curl, against real sites."""
import json
import subprocess
import unittest

from federation import Federation, until

TASK = {
    "name": "tes-words",
    "description": "counts words",
    "tags": {"project": "alpha", "empty": ""},
    "inputs": [{"path": "/data/in.txt", "content": "one two three\n"}],
    "outputs": [{"path": "/data/out.txt", "url": "PLACE"}],
    "resources": {"cpu_cores": 1, "ram_gb": 0.25},
    "executors": [
        {"image": "debian:12", "command": ["sh", "-c", "wc -w </data/in.txt"], "stdout": "/data/out.txt"},
        {"image": "debian:12", "command": ["sh", "-c", "echo second; echo oops >&2"]},
    ],
}


class Tes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())

    def curl(self, method, path, body=None, expect=200, headers=()):
        command = ["curl", "-sS", "-X", method, "-w", "\n%{http_code}", "-H",
                   f"Authorization: Bearer {self.federation.user.token}"]
        for header in headers:
            command += ["-H", header]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", body if isinstance(body, str) else json.dumps(body)]
        done = subprocess.run([*command, self.federation.url + path], capture_output=True, text=True, check=True)
        text, _, status = done.stdout.rpartition("\n")
        self.assertEqual(int(status), expect, f"{method} {path}: {text}")
        return json.loads(text) if text else None

    def finished(self, task, base="/ga4gh/tes/v1"):
        def check():
            state = self.curl("GET", f"{base}/tasks/{task}")["state"]
            return state if state in ("COMPLETE", "EXECUTOR_ERROR", "SYSTEM_ERROR", "CANCELED") else None
        return until(check, 60, lambda: self.curl("GET", f"{base}/tasks/{task}?view=FULL"))

    def create(self, **changes):
        task = json.loads(json.dumps({**TASK, **changes}))
        for output in task.get("outputs", []):
            output["url"] = (self.federation.dir / "data/results" / task["name"]).as_uri()
        answer = self.curl("POST", "/ga4gh/tes/v1/tasks", task)
        self.assertEqual(list(answer), ["id"])
        return answer["id"]

    def test_create_poll_and_read_in_every_view(self):
        task = self.create()
        self.assertEqual(self.finished(task), "COMPLETE")
        minimal = self.curl("GET", f"/ga4gh/tes/v1/tasks/{task}")
        self.assertEqual(minimal, {"id": task, "state": "COMPLETE"})

        basic = self.curl("GET", f"/ga4gh/tes/v1/tasks/{task}?view=BASIC")
        self.assertEqual(basic["name"], TASK["name"])
        self.assertEqual(basic["tags"], TASK["tags"])
        self.assertEqual(basic["executors"][0]["stdout"], "/data/out.txt")
        self.assertEqual(basic["resources"], TASK["resources"])
        self.assertNotIn("content", basic["inputs"][0])
        self.assertNotIn("stdout", basic["logs"][0]["logs"][0])
        self.assertNotIn("system_logs", basic["logs"][0])
        self.assertEqual([each["exit_code"] for each in basic["logs"][0]["logs"]], [0, 0])

        full = self.curl("GET", f"/ga4gh/tes/v1/tasks/{task}?view=FULL")
        self.assertEqual(full["inputs"][0]["content"], TASK["inputs"][0]["content"])
        self.assertEqual(full["logs"][0]["logs"][0]["stdout"].strip(), "3")
        self.assertEqual(full["logs"][0]["logs"][1]["stderr"], "oops\n")
        output = full["logs"][0]["outputs"][0]
        self.assertEqual((output["path"], output["size_bytes"]), ("/data/out.txt", "2"))
        self.assertTrue(full["logs"][0]["metadata"]["site"])
        self.assertNotIn(None, list(full.values()), "absent fields are left out, not null")
        written = (self.federation.dir / "data/results" / TASK["name"]).read_text()
        self.assertEqual(written.strip(), "3")

    def test_a_failing_task_tells_its_exit_code(self):
        task = self.create(name="tes-fails", outputs=[], executors=[
            {"image": "debian:12", "command": ["sh", "-c", "echo bad >&2; exit 7"]}])
        self.assertEqual(self.finished(task), "EXECUTOR_ERROR")
        log = self.curl("GET", f"/ga4gh/tes/v1/tasks/{task}?view=FULL")["logs"][0]["logs"][0]
        self.assertEqual((log["exit_code"], log["stderr"]), (7, "bad\n"))

    def test_lists_by_pages_newest_first(self):
        ids = [self.create(name=f"tes-page-{number}", outputs=[], executors=[
            {"image": "debian:12", "command": ["true"]}], tags={"batch": "pages"}) for number in range(7)]
        listed, token, pages = [], "", 0
        while True:
            page = self.curl("GET", "/ga4gh/tes/v1/tasks?page_size=3&tag_key=batch&tag_value=pages" +
                             (f"&page_token={token}" if token else ""))
            listed += [task["id"] for task in page["tasks"]]
            pages += 1
            token = page.get("next_page_token")
            if not token:
                break
        self.assertEqual(listed, ids[::-1])
        self.assertEqual(pages, 3)
        named = self.curl("GET", "/ga4gh/tes/v1/tasks?name_prefix=tes-page-3")["tasks"]
        self.assertEqual([task["id"] for task in named], [ids[3]])
        for task in ids:
            self.finished(task)

    def test_cancel_takes_effect_and_is_idempotent(self):
        task = self.create(name="tes-cancel", outputs=[], executors=[
            {"image": "debian:12", "command": ["sleep", "120"]}])
        until(lambda: self.curl("GET", f"/ga4gh/tes/v1/tasks/{task}")["state"] == "RUNNING", 30)
        self.assertEqual(self.curl("POST", f"/ga4gh/tes/v1/tasks/{task}:cancel"), {})
        self.assertEqual(self.finished(task), "CANCELED")
        self.assertEqual(self.curl("POST", f"/ga4gh/tes/v1/tasks/{task}:cancel", ""), {})

    def test_service_info_and_the_prefixes_of_real_clients(self):
        for base in ("/ga4gh/tes/v1", "/v1", ""):
            info = self.curl("GET", f"{base}/service-info")
            self.assertEqual(info["type"]["artifact"], "tes", base)
            self.curl("GET", f"{base}/tasks")

    def test_what_is_wrong_is_refused_with_a_reason(self):
        for body, status in (('{"executors": []}', 400), ("{", 400), ('{"executors": [{"image": "x"}]}', 400)):
            problem = self.curl("POST", "/ga4gh/tes/v1/tasks", body, expect=status)
            self.assertTrue(problem["error"])
        self.curl("GET", "/ga4gh/tes/v1/tasks/j0000000000000", expect=404)
        self.curl("GET", "/ga4gh/tes/v1/tasks?view=HUGE", expect=400)

    def test_a_task_is_a_job_with_a_full_explanation(self):
        task = self.create(name="tes-explained", outputs=[])
        self.finished(task)
        decision = self.federation.user.get(f"/v1/jobs/{task}/decision")
        self.assertEqual(decision["outcome"], "placed")
        self.assertGreaterEqual(decision["pools_considered"], 3)


if __name__ == "__main__":
    unittest.main()
