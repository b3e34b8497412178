"""Certificates are renewed, keys rotate, copies of a site are found out, and what a federation is built on changes, all while
jobs run."""
import datetime
import json
import os
import re
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

    def run_at(self, site, seconds=60):
        """A job that runs there once the site is offered, or an error."""
        until(lambda: any(row["site"] == site for row in self.user.get("/v1/offers")["offers"]), seconds)
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
    """One federation for all, since most of it is waiting for certificates to end."""
    LIFE = 12

    def test_certificates_are_renewed_and_sites_whose_certificates_have_expired_come_back_and_not_for_ever(self):
        kept, back, _ = SITES
        with ShortLived(self.LIFE, "--recovery-max", "1") as self.federation:
            pids = {site: self.federation.pid(site) for site in SITES}
            self.is_down_until_expired(back)
            self.federation.start(back)
            self.assertIn("certificate.recovered", self.federation.log(back))
            # The others have renewed meanwhile, jittered, and never too late.
            for site in SITES:
                self.federation.run_at(site)
            for site in SITES[::2]:
                self.federation.renewals_reach(site, 2)
                self.assertNotIn("certificate.expired ", self.federation.log(site))
            # A restart goes on with what was renewed.
            before = self.federation.member(kept)["renewals"]
            self.federation.stop(kept)
            self.federation.start(kept)
            self.federation.renewals_reach(kept, before + 1)
            # Once more, and an operator has to agree.
            self.is_down_until_expired(back)
            started = subprocess.run([BIN / "tradewind-gateway", "run", "--dir", self.federation.home(back)],
                                     capture_output=True, text=True, timeout=30, env=self.federation.gateway_env())
            self.assertNotEqual(started.returncode, 0)
            self.assertIn("allow-recovery", started.stderr)
            self.federation.cli("site", "allow-recovery", back, token="operator")
            self.federation.start(back)
            self.federation.run_at(back)
            self.broker_was_away(SITES[2], pids[SITES[2]])

    def is_down_until_expired(self, site):
        self.federation.kill(site)
        ends = datetime.datetime.fromisoformat(self.federation.member(site)["valid_until"])
        until(lambda: datetime.datetime.now(datetime.timezone.utc) > ends, self.LIFE + 2)

    def broker_was_away(self, site, pid):
        """The site recovers without a restart."""
        self.federation.kill("broker")
        until(lambda: "certificate.expired " in self.federation.log(site), self.LIFE + 10)
        self.federation.start("broker")
        self.federation.run_at(site)
        self.assertIn("link.reopened", self.federation.log(site))
        self.assertEqual(self.federation.pid(site), pid)


class Membership(unittest.TestCase):
    """Certificates live for longer than these tests do."""

    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(ShortLived(600))

    def site_file(self, site):
        file = self.federation.dir / f"{site}.toml"
        file.write_text((self.federation.home(SITES[0]) / "site.toml").read_text().replace(SITES[0], site))
        return file

    def invite(self, site, *more):
        return self.federation.cli("site", "invite", site, "--quiet", *more, token="operator").stdout.strip()

    def join(self, token, home, site_file):
        return subprocess.run([BIN / "tradewind-gateway", "join", self.federation.url, "--token", token, "--dir",
                               self.federation.dir / home, "--site", site_file], capture_output=True, text=True,
                              timeout=60, env=self.federation.gateway_env())

    def changes(self, site):
        """Why the member's record has changed, as the log tells it."""
        entries = self.federation.auditor.get(f"/v1/audit/entries?site={site}&type=org.tradewind.member.changed")["entries"]
        return [json.loads(each["event"])["data"]["cause"] for each in entries]

    def test_keys_rotate_while_a_job_runs(self):
        site = SITES[0]
        home = self.federation.home(site)
        before = {name: (home / name).read_text() for name in ("identity.key", "curve.key")}
        job = self.federation.user.submit(shell_job("sleep 5; echo done", constraints={"sites_allowed": [site]}))
        self.federation.user.wait(job, states=("running",))
        subprocess.run([BIN / "tradewind-gateway", "rotate-keys", "--dir", home, "--wait-seconds", "30"], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)
        for name, text in before.items():
            self.assertNotEqual((home / name).read_text(), text)
            self.assertFalse((home / (name + ".next")).exists())
        ended = self.federation.user.wait(job, seconds=60)
        self.assertEqual(ended["state"], "succeeded")
        self.assertEqual(len(ended["attempts"]), 1, "the job went on under the new keys")
        self.federation.run_at(site)
        self.federation.stop(site)
        self.federation.start(site)
        self.federation.run_at(site)

    def test_a_token_is_for_one_site_once_for_a_time_and_the_same_keys_get_the_same_answer(self):
        paris, lyon = self.site_file("eu-paris-1"), self.site_file("eu-lyon-1")
        late, over = self.invite("eu-lyon-1", "--ttl-seconds", "1"), time.monotonic() + 1
        token = self.invite("eu-paris-1")
        for _ in ("first", "again, since the answer may have been lost"):
            joined = self.join(token, "paris", paris)
            self.assertEqual(joined.returncode, 0, joined.stderr)
        until(lambda: self.changes("eu-paris-1") == ["admitted"], 10)
        other = self.join(token, "paris-2", paris)
        self.assertNotEqual(other.returncode, 0)
        self.assertIn("has admitted \"eu-paris-1\" with other keys", other.stderr)
        self.assertIn("critical site.token_reused site=eu-paris-1", self.federation.log("broker"))
        self.assertNotEqual(self.join(token, "lyon", lyon).returncode, 0, "another site's token")
        until(lambda: time.monotonic() > over, 2)
        refused = self.join(late, "lyon-2", lyon)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("has expired", refused.stderr)
        # Of a token for another federation, nothing is even sent.
        refused = self.join(token.split(".")[0] + "." + "0" * 64, "lyon-3", lyon)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("no trust record", refused.stderr)
        self.assertEqual(self.changes("eu-paris-1"), ["admitted"])
        self.assertEqual(self.changes("eu-lyon-1"), [])

    def offered(self, site):
        return any(each["quote_valid"] for each in self.federation.user.get("/v1/offers")["offers"] if each["site"] == site)

    def not_allowed(self):
        """Messages over live connections that the broker did not take, since their sender is no member any more."""
        text = self.federation.operator.raw("GET", "/metrics")[1].decode()
        found = re.search(r'tradewind_link_dropped_total\{reason="not_allowed"\} (\d+)', text)
        return int(found[1]) if found else 0

    def test_a_fresh_site_works_within_ten_seconds_of_its_join_and_a_revoked_one_is_out_everywhere_within_ten(self):
        site = "eu-nantes-1"
        federation, log = self.federation, self.federation.dir / "log/nantes.out"
        file, token = self.site_file(site), self.invite(site)
        joined = self.join(token, "nantes", file)
        deadline = time.monotonic() + 10

        def left():
            return deadline - time.monotonic()
        self.assertEqual(joined.returncode, 0, joined.stderr)
        with log.open("w") as out:
            gateway = subprocess.Popen([BIN / "tradewind-gateway", "run", "--dir", federation.dir / "nantes"], stdout=out,
                                       stderr=out, env=federation.gateway_env())
        try:
            until(lambda: self.offered(site), left())
            federation.run_at(site, left())
            job = federation.user.submit(shell_job("sleep 4", architectures=ARCHITECTURES,
                                                   constraints={"sites_allowed": [site]}))
            federation.user.wait(job, states=("running",))
            before = self.not_allowed()

            federation.cli("site", "state", site, "revoked", token="operator")
            deadline = time.monotonic() + 10
            until(lambda: not self.offered(site), left())
            until(lambda: self.not_allowed() > before, left())
            for other in SITES:
                until(lambda: f"member.excluded node=site/{site} state=revoked" in federation.log(other), left())
            waiting = federation.user.submit(shell_job("true", architectures=ARCHITECTURES,
                                                       constraints={"sites_allowed": [site]}))
            # It still speaks, and nobody takes it: not the end of what ran, nor what it would sell.
            until(lambda: f"attempt.ended attempt={job}" in log.read_text(), 10)
            for other in SITES:  # which takes the others longer than one message
                federation.run_at(other)
            self.assertNotEqual(federation.user.job(job)["state"], "succeeded")
            self.assertFalse(self.offered(site))
            self.assertEqual(federation.user.job(waiting)["attempts"], [])
            self.assertNotIn(f"attempt={waiting}", log.read_text())
        finally:
            gateway.kill()
            gateway.wait(10)
        until(lambda: self.changes(site) == ["admitted", "state_set"], 10, lambda: self.changes(site))
        for other in SITES:
            self.assertEqual(self.changes(other)[0], "admitted")


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
        """Every gateway has the record, and sells."""
        for site in SITES:
            until(lambda: (federation.home(site) / f"trust/{version}.trust").exists(), 60,
                  lambda: federation.log(site)[-2000:])
        federation.run_at(SITES[version % 3])

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

            for changes in (("--add", "registry"), ("--promote", "registry", "--add", "issuer"), ("--promote", "issuer")):
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
                federation.run_at(site)
            # A restart finds it all again, and a site can join with an invitation of now.
            federation.stop(SITES[0])
            federation.start(SITES[0])
            federation.run_at(SITES[0])
            federation.kill("broker", signal.SIGTERM)
            federation.start("broker")
            federation.run_at(SITES[1])


if __name__ == "__main__":
    unittest.main()
