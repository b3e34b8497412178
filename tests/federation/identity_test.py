"""Certificates are renewed, keys rotate, copies of a site are found out, and what a federation is built on changes, all while
jobs run."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from federation import BIN, Federation, shell_job, until

ARCHITECTURES = ("amd64", "arm64", "riscv64")
SITES = ("eu-zurich-1", "jp-osaka-1", "us-iowa-1")


class ShortLived(Federation):
    """A federation whose certificates live for seconds."""

    def __init__(self, seconds, *more):
        super().__init__()
        (self.dir / "broker-options").write_text("\n".join(["--certificate-seconds", str(seconds), *more]) + "\n")

    def members(self):
        rows = self.operator.get("/v1/market")["members"]
        return {row["node"].removeprefix("site/"): row for row in rows if row["node"].startswith("site/")}

    def member(self, site):
        return self.members()[site]

    def home(self, site):
        return self.dir / "sites" / site

    def log(self, name):
        return (self.dir / "log" / f"{name}.out").read_text(errors="replace")

    def run_at(self, site, seconds=60):
        """A job that runs there, or an error."""
        job = self.user.submit(shell_job("true", architectures=ARCHITECTURES, constraints={"sites_allowed": [site]}))
        ended = self.user.wait(job, seconds=seconds)
        assert ended["state"] == "succeeded", json.dumps(ended)[:2000]

    def renewals_reach(self, site, count, seconds=60):
        return until(lambda: self.member(site)["renewals"] >= count, seconds,
                     lambda: f"{self.member(site)}\n{self.log(site)[-3000:]}")

    def gateway_env(self):
        return {**os.environ, "TRADEWIND_DATA": str(self.dir / "data")}

    def stop(self, site):
        self.kill(site, signal.SIGTERM)


class Renewal(unittest.TestCase):
    def test_certificates_are_renewed_while_jobs_run_and_never_run_out(self):
        with ShortLived(12) as federation:
            for site in SITES:
                federation.renewals_reach(site, 3)
                federation.run_at(site)
            # Jittered: sites that joined within a second renewed at times of their own.
            for site in SITES:
                self.assertNotIn("certificate.expired ", federation.log(site))
                self.assertEqual(federation.member(site)["state"], "active")
            # A restart goes on with what was renewed.
            before = federation.member(SITES[0])["renewals"]
            federation.stop(SITES[0])
            federation.start(SITES[0])
            federation.renewals_reach(SITES[0], before + 1)
            federation.run_at(SITES[0])

    def test_a_site_comes_back_after_its_certificate_has_expired_and_not_for_ever(self):
        with ShortLived(8, "--recovery-max", "2") as federation:
            site = SITES[1]
            for _ in range(2):
                federation.kill(site)
                time.sleep(9)
                federation.start(site)
                federation.run_at(site)
                self.assertIn("certificate.recovered", federation.log(site))
            # Once more, and an operator has to agree.
            federation.kill(site)
            time.sleep(9)
            started = subprocess.run([BIN / "tradewind-gateway", "run", "--dir", federation.home(site)],
                                     capture_output=True, text=True, timeout=30, env=federation.gateway_env())
            self.assertNotEqual(started.returncode, 0)
            self.assertIn("allow-recovery", started.stderr)
            federation.cli("site", "allow-recovery", site, token="operator")
            federation.start(site)
            federation.run_at(site)

    def test_a_gateway_whose_broker_was_away_recovers_without_a_restart(self):
        with ShortLived(8) as federation:
            pids = {site: federation.pid(site) for site in SITES}
            federation.kill("broker")
            time.sleep(14)
            federation.start("broker")
            for site in SITES:
                federation.run_at(site)
                self.assertEqual(federation.pid(site), pids[site])
                self.assertIn("certificate.expired", federation.log(site))


class Rotation(unittest.TestCase):
    def test_keys_rotate_while_a_job_runs(self):
        with ShortLived(600) as federation:
            site = SITES[0]
            home = federation.home(site)
            before = {name: (home / name).read_text() for name in ("identity.key", "curve.key")}
            job = federation.user.submit(shell_job("sleep 8; echo done", constraints={"sites_allowed": [site]}))
            federation.user.wait(job, states=("running",))
            subprocess.run([BIN / "tradewind-gateway", "rotate-keys", "--dir", home, "--wait-seconds", "30"], check=True,
                           stdin=subprocess.DEVNULL)
            for name, text in before.items():
                self.assertNotEqual((home / name).read_text(), text)
                self.assertFalse((home / (name + ".next")).exists())
            ended = federation.user.wait(job, seconds=60)
            self.assertEqual(ended["state"], "succeeded")
            self.assertEqual(len(ended["attempts"]), 1, "the job went on under the new keys")
            federation.run_at(site)
            federation.stop(site)
            federation.start(site)
            federation.run_at(site)


class Copies(unittest.TestCase):
    def test_two_machines_with_one_identity_are_locked_and_an_operator_resolves_it(self):
        with ShortLived(16) as federation:
            site = SITES[2]
            copy = federation.dir / "copy"
            federation.stop(site)
            shutil.copytree(federation.home(site), copy)
            federation.start(site)
            federation.renewals_reach(site, federation.member(site)["renewals"] + 1)
            with (federation.dir / "log/copy.out").open("w") as log:
                stranger = subprocess.Popen([BIN / "tradewind-gateway", "run", "--dir", copy], stdout=log, stderr=log,
                                            env=federation.gateway_env())
            try:
                until(lambda: federation.member(site)["locked"], 60,
                      lambda: (federation.dir / "log/copy.out").read_text()[-3000:])
            finally:
                stranger.terminate()
                stranger.wait(20)
            self.assertEqual(federation.member(site)["state"], "suspended")
            self.assertIn("site.locked site=" + site, federation.log("broker"))
            self.assertIn("tradewind_members_locked 1", federation.operator.raw("GET", "/metrics")[1].decode())
            listed = federation.cli("sites", token="operator").stdout
            self.assertRegex(listed, rf"{site}.*locked")
            with self.assertRaises(AssertionError):
                federation.cli("site", "state", site, "active", token="operator")
            # The operator knows which machine is the site: it may go on, and the copy is worth nothing.
            federation.cli("site", "allow-recovery", site, token="operator")
            until(lambda: federation.member(site)["state"] == "active", 10)
            # Its records are newer than the copy's from the next start on.
            federation.stop(site)
            federation.start(site)
            federation.run_at(site)
            federation.renewals_reach(site, federation.member(site)["renewals"] + 1)
            self.assertFalse(federation.member(site)["locked"])


class Trust(unittest.TestCase):
    def ca(self, federation, *arguments, check=True):
        return federation.cli("ca", *map(str, arguments), check=check, token="operator")

    def publish(self, federation, *changes, roots=(1, 2)):
        ca = federation.dir / "ca"
        draft = json.loads(self.ca(federation, "draft", ca, *changes, "-o", "json").stdout)
        for root in roots:
            self.ca(federation, "sign", draft["file"], ca / f"roots/root-{root}.key")
        self.ca(federation, "publish", ca)
        return draft["version"]

    def follow(self, federation, version):
        """Every gateway has the record, and each of them still sells."""
        for site in SITES:
            until(lambda: (federation.home(site) / f"trust/{version}.trust").exists(), 60,
                  lambda: federation.log(site)[-2000:])
        for site in SITES:
            federation.run_at(site)

    def test_registry_key_authority_and_roots_rotate_while_the_federation_runs(self):
        with ShortLived(14) as federation:
            ca = federation.dir / "ca"
            pids = {site: federation.pid(site) for site in SITES}
            first = json.loads(self.ca(federation, "show", ca, "-o", "json").stdout)
            self.assertEqual((first["version"], first["threshold"], len(first["roots"])), (1, 2, 3))

            # Too few signatures put nothing in force.
            draft = json.loads(self.ca(federation, "draft", ca, "--add", "registry", "-o", "json").stdout)
            self.ca(federation, "sign", draft["file"], ca / "roots/root-3.key")
            refused = self.ca(federation, "publish", ca, check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("not signed by enough root keys", refused.stderr)

            for changes in (("--add", "registry"), ("--add", "issuer"),
                            ("--promote", "registry"), ("--promote", "issuer")):
                self.follow(federation, self.publish(federation, *changes))
            # Everybody has renewed under the new keys before the former ones go.
            counts = {site: federation.member(site)["renewals"] for site in SITES}
            for site in SITES:
                federation.renewals_reach(site, counts[site] + 1)
            version = self.publish(federation, "--drop", "registry")
            self.follow(federation, version)
            version = self.publish(federation, "--drop", "issuer")
            self.follow(federation, version)

            # New roots need enough of the old ones and enough of their own.
            new = []
            for number in (4, 5, 6):
                (ca / "roots").mkdir(exist_ok=True)
                made = self.ca(federation, "root", ca / f"roots/root-{number}.key", "-o", "json")
                new.append(json.loads(made.stdout)["key"])
            options = [word for key in new for word in ("--root", key)]
            with self.assertRaises(AssertionError):
                self.publish(federation, *options, roots=(1, 2))
            self.follow(federation, self.publish(federation, *options, roots=(1, 2, 4, 5)))
            with self.assertRaises(AssertionError):
                self.publish(federation, roots=(1, 2))
            version = self.publish(federation, roots=(5, 6))
            self.follow(federation, version)

            last = json.loads(self.ca(federation, "show", ca, "-o", "json").stdout)
            self.assertNotEqual(first["registry_keys"], last["registry_keys"])
            self.assertNotEqual(first["issuers"], last["issuers"])
            for site in SITES:
                self.assertEqual(federation.pid(site), pids[site])
                self.assertNotIn("certificate.expired ", federation.log(site))
            # A restart finds it all again, and a site can join with an invitation of now.
            federation.stop(SITES[0])
            federation.start(SITES[0])
            federation.run_at(SITES[0])
            federation.kill("broker", signal.SIGTERM)
            federation.start("broker")
            federation.run_at(SITES[1])


class Invitations(unittest.TestCase):
    def test_a_token_is_for_one_site_once_and_the_same_keys_get_the_same_answer(self):
        with ShortLived(600) as federation:
            token = federation.cli("site", "invite", "eu-paris-1", "--quiet", token="operator").stdout.strip()
            site_file = federation.dir / "paris.toml"
            text = (federation.home(SITES[0]) / "site.toml").read_text()
            site_file.write_text(text.replace(SITES[0], "eu-paris-1"))

            def join(home, url=federation.url):
                return subprocess.run([BIN / "tradewind-gateway", "join", url, "--token", token, "--dir", home,
                                       "--site", site_file], capture_output=True, text=True, timeout=60,
                                      env=federation.gateway_env())
            home = federation.dir / "paris"
            for _ in ("first", "again, since the answer may have been lost"):
                joined = join(home)
                self.assertEqual(joined.returncode, 0, joined.stderr)
            other = join(federation.dir / "paris-2")
            self.assertNotEqual(other.returncode, 0)
            self.assertIn("not known", other.stderr)
            site_file.write_text(text.replace(SITES[0], "eu-lyon-1"))
            self.assertNotEqual(join(federation.dir / "lyon").returncode, 0)
            # Of a token for another federation, nothing is even sent.
            token = token.split(".")[0] + "." + "0" * 64
            refused = join(federation.dir / "lyon-2")
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("no trust record", refused.stderr)


if __name__ == "__main__":
    unittest.main()
