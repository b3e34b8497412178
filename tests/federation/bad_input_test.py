"""Wrong and hostile input at every door: a clear answer, and everything else goes on."""
import os
import pathlib
import random
import socket
import subprocess
import tempfile
import unittest

from federation import BIN, ROOT, Answer, Client, Federation, shell_job

GOOD_SITE = (ROOT / "deploy/sites/us-iowa-1.toml").read_text()


def changed(old, new):
    assert old in GOOD_SITE, old
    return GOOD_SITE.replace(old, new, 1)


SITE_FILES = {
    "no TOML at all": ("[[[", ":1:"),
    "an unknown key": (changed('provider =', 'colour = "red"\nprovider ='), "colour"),
    "an id with capitals": (changed('id = "us-iowa-1"', 'id = "US Iowa"'), "site.id"),
    "no region": (changed('region = "us-iowa"\n', ""), "region"),
    "a jurisdiction of three letters": (changed('"US"', '"USA"'), "jurisdiction"),
    "money as a float": (changed('cpu_hour = "0.035"', "cpu_hour = 0.035"), "cpu_hour"),
    "negative money": (changed('cpu_hour = "0.035"', 'cpu_hour = "-1"'), "cpu_hour"),
    "no nodes": (changed("nodes = 4", "nodes = 0"), "nodes"),
    "an unknown architecture": (changed('"amd64"', '"pdp11"'), "architecture"),
    "an engine that nobody knows": (changed('kind = "process"', 'kind = "magic"'), "kind"),
    "a performance of nothing": (changed("default = 1.0", "default = 0.0"), "performance"),
    "an endpoint that is none": (changed("tcp://127.0.0.1:0", "carrier pigeon"), "listen"),
}

AUTHORIZATIONS = {
    "nothing": None,
    "no scheme": "token",
    "an unknown scheme": "Digest abc",
    "an empty bearer": "Bearer ",
    "a wrong token": "Bearer " + "A" * 43,
    "a token of 8 KB": "Bearer " + "A" * 8_000,
    "bytes": "Bearer \x01\x02",
    "Basic that is no base64": "Basic %%%",
}

JOBS = {
    "no JSON": (b"{", ""),
    "an array": (b"[]", ""),
    "nothing to run": (b'{"name": "x"}', "command"),
    "a command as text": (b'{"command": "ls"}', "command"),
    "an unknown field": (b'{"command": ["ls"], "priorty": 1}', "priorty"),
    "a field twice": (b'{"command": ["ls"], "name": "a", "name": "b"}', ""),
    "cpus of minus one": (b'{"command": ["ls"], "resources": {"cpus": -1}}', "resources.cpus"),
    "cpus as a float": (b'{"command": ["ls"], "resources": {"cpus": 1.5}}', "resources.cpus"),
    "memory without end": (b'{"command": ["ls"], "resources": {"memory_gib": 1e300}}', "resources.memory_gib"),
    "an unknown architecture": (b'{"command": ["ls"], "architectures": ["vax"]}', "architectures"),
    "a relative path": (b'{"command": ["ls"], "inputs": [{"path": "in", "content": "x"}]}', "inputs[0].path"),
    "a path upwards": (b'{"command": ["ls"], "outputs": [{"path": "/data/../etc/x"}]}', "outputs[0].path"),
    "an input from nowhere": (b'{"command": ["ls"], "inputs": [{"path": "/in"}]}', "inputs[0]"),
    "an input by gopher": (b'{"command": ["ls"], "inputs": [{"path": "/in", "url": "gopher://x/"}]}', "inputs[0]"),
    "money in letters": (b'{"command": ["ls"], "constraints": {"cost_max": "lots"}}', "constraints.cost_max"),
    "a deadline tomorrow": (b'{"command": ["ls"], "constraints": {"deadline": "tomorrow"}}', "constraints.deadline"),
    "an unknown objective": (b'{"command": ["ls"], "objective": "nicest"}', "objective"),
    "a priority of a thousand": (b'{"command": ["ls"], "priority": 1000}', "priority"),
    "an array of minus one": (b'{"command": ["ls"], "array": {"count": -1}}', "array.count"),
    "an array of a million": (b'{"command": ["ls"], "array": {"count": 1000000}}', "array.count"),
    "bytes that are no UTF-8": (b'{"command": ["\xff\xfe"]}', ""),
    "forty levels": (b"[" * 40 + b"]" * 40, ""),
}


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())

    def tearDown(self):
        job = self.federation.user.submit(shell_job("true"))
        self.assertEqual(self.federation.user.wait(job)["state"], "succeeded", "others are not affected")

    def test_job_documents(self):
        for what, (body, field) in JOBS.items():
            with self.subTest(what):
                with self.assertRaises(Answer) as caught:
                    self.federation.user.raw("POST", "/v1/jobs", body, {"Content-Type": "application/json"})
                self.assertIn(caught.exception.status, (400, 413, 422))
                problem = caught.exception.json()
                self.assertTrue(problem["detail"], problem)
                self.assertTrue(problem["remedy"], problem)
                self.assertTrue(problem.get("field", "").startswith(field), problem)
        with self.assertRaises(Answer) as caught:
            self.federation.user.raw("POST", "/v1/jobs", b" " * (300 * 1024), {"Content-Type": "application/json"})
        self.assertEqual(caught.exception.status, 413)

    def test_credentials(self):
        client = Client(self.federation.url)
        for what, value in AUTHORIZATIONS.items():
            with self.subTest(what):
                headers = {} if value is None else {"Authorization": value}
                with self.assertRaises((Answer, ConnectionError)) as caught:
                    client.raw("GET", "/v1/jobs", headers=headers)
                if isinstance(caught.exception, Answer):
                    self.assertIn(caught.exception.status, (400, 401, 431))

    def test_join_tokens(self):
        client = Client(self.federation.url)
        invite = self.federation.operator.post("/v1/invites", {"site": "new-site-1", "ttl_seconds": 60})["token"]
        secret, fingerprint = invite.split(".")
        for what, token in {"nothing": "", "no dot": "abc", "another secret": "A" * len(secret) + "." + fingerprint,
                            "another authority": secret + "." + "0" * len(fingerprint), "bytes": "\x00\x01.\x02",
                            "too long": "A" * 100_000}.items():
            with self.subTest(what):
                with self.assertRaises(Answer) as caught:
                    client.post("/v1/join", {"token": token, "site": "new-site-1", "csr_pem": "x", "curve_key": "AAAA",
                                             "proof": "AAAA"})
                self.assertIn(caught.exception.status, (400, 401, 403, 413))
                self.assertTrue(caught.exception.json()["detail"])

    def test_a_join_token_works_once_and_for_its_site_only(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            site = folder / "site.toml"
            site.write_text(changed('id = "us-iowa-1"', 'id = "us-iowa-2"'))
            token = self.federation.operator.post("/v1/invites", {"site": "us-iowa-3", "ttl_seconds": 60})["token"]
            self.assertNotEqual(self.join(folder / "a", site, token).returncode, 0, "made for another site")
            token = self.federation.operator.post("/v1/invites", {"site": "us-iowa-2", "ttl_seconds": 60})["token"]
            self.assertEqual(self.join(folder / "b", site, token).returncode, 0)
            self.assertEqual(self.join(folder / "b", site, token).returncode, 0, "the same keys may ask again")
            again = self.join(folder / "c", site, token)
            self.assertNotEqual(again.returncode, 0, "a second machine with the same token")
            self.assertIn("token", again.stderr + again.stdout)

    def join(self, directory, site, token):
        return subprocess.run([BIN / "tradewind-gateway", "join", self.federation.url, "--token", token, "--dir",
                               directory, "--site", site], capture_output=True, text=True,
                              env={**os.environ, "TRADEWIND_DATA": "/tmp"})

    def test_site_files(self):
        for what, (text, field) in SITE_FILES.items():
            with self.subTest(what), tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([BIN / "tradewind-gateway", "check", "--site", file.name], capture_output=True,
                                      text=True, env={**os.environ, "TRADEWIND_DATA": "/tmp"})
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(field, done.stderr)

    def test_noise_on_the_link_and_on_the_endpoint(self):
        chance = random.Random(4711)
        link = self.federation.link_port
        http = self.federation.port
        for port in (link, http):
            for _ in range(40):
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    try:
                        connection.sendall(chance.randbytes(chance.randrange(1, 20_000)))
                    except ConnectionError:
                        pass  # it hung up early, which is fine


if __name__ == "__main__":
    unittest.main()
