"""A broker that is told to stop says so before it goes, and loses nothing that it has acknowledged."""
import http.client
import json
import os
import signal
import threading
import unittest

from federation import Federation, until


class Drain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())
        cls.host = cls.federation.url.removeprefix("http://")

    def ask(self, connection, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.federation.user.token}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Connection"), answer.read()

    def test_connections_are_told_and_what_was_acknowledged_is_there_afterwards(self):
        ids, ends, begun = [], [], threading.Event()

        def submit():
            connection = http.client.HTTPConnection(self.host, timeout=30)
            try:
                while True:
                    status, after, body = self.ask(connection, "POST", "/v1/jobs", json.dumps({"command": ["true"]}))
                    if status != 201:
                        return ends.append(f"{status} {body}")
                    ids.append(json.loads(body)["id"])
                    begun.set()
                    if after == "close":
                        return ends.append("told")
            except (OSError, http.client.HTTPException) as error:
                ends.append(repr(error))

        watcher = http.client.HTTPConnection(self.host, timeout=30)
        self.assertEqual(self.ask(watcher, "GET", "/readyz")[0:2], (200, None))
        threads = [threading.Thread(target=submit) for _ in range(8)]
        for each in threads:
            each.start()
        self.assertTrue(begun.wait(30))
        os.kill(self.federation.pid("broker"), signal.SIGTERM)
        ready = until(lambda: (lambda found: found if found[1] == "close" else None)(self.ask(watcher, "GET", "/readyz")), 10)
        self.assertEqual(ready[0:2], (503, "close"))
        self.assertIn("stopping", json.loads(ready[2])["detail"])
        for each in threads:
            each.join(30)
        self.assertEqual(ends, ["told"] * len(threads))
        self.federation.ended("broker")
        self.federation.start("broker")
        for each in ids:
            self.assertEqual(self.federation.user.job(each)["id"], each)

    def test_a_hangup_does_not_end_it(self):
        os.kill(self.federation.pid("broker"), signal.SIGHUP)
        self.assertEqual(self.federation.user.raw("GET", "/readyz")[0], 200)
        self.assertTrue(self.federation.alive("broker"))


if __name__ == "__main__":
    unittest.main()
