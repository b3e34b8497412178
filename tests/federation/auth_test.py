"""Who may do what at a broker that runs: tokens of its own, and those of an OpenID Connect issuer over HTTPS."""
import base64
import http.server
import json
import pathlib
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from federation import Answer, Client, Federation, shell_job, site_files, until


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *arguments], capture_output=True, check=True, **more).stdout


def b64(data):
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Serves its documents by TLS with a certificate of its own, and signs by RS256."""

    def __init__(self, folder):
        self.folder, self.keys = pathlib.Path(folder), {}
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=issuer",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "tls.key",
                "-out", self.folder / "tls.pem")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.folder / "tls.pem", self.folder / "tls.key")
        self.port = 0
        self.start()

    def start(self):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                documents = {"/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": issuer.url + "/keys"},
                             "/keys": {"keys": list(issuer.keys.values())}}
                body = json.dumps(documents.get(self.path)).encode()
                self.send_response(200 if self.path in documents else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def make_key(self, kid):
        file = self.folder / f"{kid}.pem"
        openssl("genrsa", "-out", file, "2048")
        modulus = openssl("rsa", "-in", file, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}

    def token(self, kid, **claims):
        now = int(time.time())
        claims = {"iss": self.url, "aud": "tradewind", "sub": "ann", "iat": now, "exp": now + 300,
                  "roles": ["members"], "tenant": "physics", **claims}
        text = b64({"alg": "RS256", "kid": kid, "typ": "JWT"}) + "." + b64(claims)
        return text + "." + b64(openssl("dgst", "-sha256", "-sign", self.folder / f"{kid}.pem", input=text.encode()))


class Auth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.issuer = Issuer(folder)
        cls.addClassCleanup(cls.issuer.stop)
        cls.issuer.keys["k1"] = cls.issuer.make_key("k1")
        settings = pathlib.Path(folder) / "oidc.toml"
        settings.write_text(f"""
issuer = "{cls.issuer.url}"
audience = "tradewind"
ca_file = "{folder}/tls.pem"
role_claim = "roles"
tenant_claim = "tenant"

[roles]
members = "user"
admins = "operator"
""")
        federation = Federation(sites=cls.enterClassContext(site_files("eu-zurich-1")))
        federation.options("broker", "--oidc", str(settings))
        cls.federation = cls.enterClassContext(federation)

    def client(self, token):
        return Client(self.federation.url, token)

    def status(self, client, method, path, body=None):
        try:
            return client.raw(method, path, body)[0]
        except Answer as answer:
            return answer.status

    def test_a_token_of_the_issuer_runs_a_job_that_no_other_tenant_sees(self):
        ann = self.client(self.issuer.token("k1"))
        job = ann.submit(shell_job("echo hello"))
        self.assertEqual(ann.wait(job)["state"], "succeeded")
        self.assertEqual(ann.job(job)["tenant"], "physics")
        bob = self.client(self.issuer.token("k1", sub="bob", tenant="chemistry"))
        for method, path in (("GET", ""), ("GET", "/decision"), ("GET", "/logs"), ("POST", ":cancel"), ("DELETE", "")):
            self.assertEqual(self.status(bob, method, f"/v1/jobs/{job}{path}"), 404, path)
            self.assertEqual(self.status(self.federation.user, method, f"/v1/jobs/{job}{path}"), 404, path)
        self.assertEqual(self.status(bob, "GET", f"/v1/events?job={job}"), 404)
        entries = until(lambda: self.federation.auditor.get(f"/v1/audit/entries?job={job}&limit=1")["entries"], 10)
        entry = entries[0]["index"]
        self.assertEqual(self.status(bob, "GET", f"/v1/audit/entries/{entry}"), 404)
        self.assertEqual(self.status(ann, "GET", f"/v1/audit/entries/{entry}"), 200)
        self.assertIn({"tenant": "physics", "jobs_live": 0}, self.federation.operator.get("/v1/tenants")["tenants"])
        self.assertEqual(self.status(ann, "PUT", "/v1/rates", {"rates": {}}), 403)
        self.assertEqual(self.status(self.client(self.issuer.token("k1", aud="x")), "GET", "/v1/jobs"), 401)
        self.assertEqual(self.status(self.client(self.issuer.token("k1", roles=["guests"])), "GET", "/v1/jobs"), 403)

    def test_keys_rotate_and_outlive_the_issuer(self):
        self.issuer.keys["k2"] = self.issuer.make_key("k2")
        self.assertEqual(self.status(self.client(self.issuer.token("k2")), "GET", "/v1/jobs"), 200)
        self.issuer.stop()
        self.assertEqual(self.status(self.client(self.issuer.token("k2", sub="eve")), "GET", "/v1/jobs"), 200)
        # Without the issuer a broker starts, and takes built-in tokens alone until it is back.
        self.federation.kill("broker", signal.SIGTERM)
        self.federation.start("broker")
        ann = self.client(self.issuer.token("k1"))
        self.assertEqual(self.status(ann, "GET", "/v1/jobs"), 503)
        self.assertEqual(self.status(self.federation.user, "GET", "/v1/jobs"), 200)
        self.issuer.start()
        until(lambda: self.status(ann, "GET", "/v1/jobs") == 200, 30)

    def test_a_token_is_issued_listed_used_and_revoked(self):
        cli = self.federation.cli
        secret = cli("token", "issue", "--name", "ci", "--tenant", "default", "--scope", "jobs:read", "--ttl-seconds",
                     "600", token="operator").stdout.strip()
        row = next(line for line in cli("token", "list", token="operator").stdout.splitlines() if line.startswith("ci "))
        self.assertIn("jobs:read", row)
        self.assertNotIn(secret, row)
        self.assertEqual(cli("--token", secret, "jobs").returncode, 0)
        self.assertEqual(cli("--token", secret, "submit", "--", "true", check=False).returncode, 4)
        cli("token", "revoke", "ci", token="operator")
        self.assertEqual(cli("--token", secret, "jobs", check=False).returncode, 4)
        self.assertEqual(cli("token", "revoke", "ci", token="operator", check=False).returncode, 3)


if __name__ == "__main__":
    unittest.main()
