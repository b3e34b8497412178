"""Quotes before submitting: what they tell, and that a job submitted with one costs no more, or is told why not."""
import json
import signal
import time
import unittest
from decimal import Decimal

from federation import Answer, Client, Federation, leading_attempt, shell_job, until

SITE = "us-iowa-1"


def job(command="true", site=SITE, cpus=1, **more):
    document = shell_job(command, name="quoted", constraints={"sites_allowed": [site]} if site else {}, **more)
    document["resources"]["cpus"] = cpus
    return document


class Quotes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())
        cls.user = cls.federation.user

    def quote(self, document, rejections=""):
        return self.user.post("/v1/quotes" + rejections, document)

    def submit(self, quote):
        return self.user.submit({"quote": quote["quote"]["id"]})

    def refusal(self, quote):
        with self.assertRaises(Answer) as refused:
            self.submit(quote)
        self.assertEqual(refused.exception.status, 409)
        return refused.exception.json()

    def fill(self, cpus):
        """Takes that many CPUs of the site, in whole nodes, until the test is over and the price is back."""
        idle = self._total_now()
        jobs = [self.user.submit(job("sleep 300", cpus=4)) for _ in range(cpus // 4)]
        self.addCleanup(lambda: until(lambda: self._total_now() == idle, 15))
        self.addCleanup(lambda: [self.user.wait(each) for each in jobs])
        self.addCleanup(lambda: [self.user.post(f"/v1/jobs/{each}:cancel") for each in jobs])
        for each in jobs:
            self.user.wait(each, states=("running",))

    def test_a_quote_is_kept_once(self):
        quote = self.quote(job())
        self.assertEqual(quote["outcome"], "placed")
        self.assertEqual(quote["quote"]["total"], quote["chosen"]["cost"]["total"])
        submitted = self.submit(quote)
        ended = self.user.wait(submitted)
        self.assertEqual(ended["state"], "succeeded")
        self.assertEqual(ended["quote"]["id"], quote["quote"]["id"])
        self.assertLessEqual(Decimal(leading_attempt(ended)["cost_expected"]), Decimal(quote["quote"]["total"]))
        self.assertLessEqual(Decimal(ended["cost"]), Decimal(quote["quote"]["total"]))
        self.assertIn(submitted, self.refusal(quote)["detail"])

    def test_another_tenant_has_no_such_quote_and_bad_ids_are_refused(self):
        quote = self.quote(job())
        token = self.federation.cli("token", "issue", "--file", str(self.federation.dir / "tokens.toml"), "--name",
                                    "other", "--role", "user", "--tenant", "other").stdout.strip()
        other = Client(self.federation.url, token)

        def missing():
            try:
                return other.submit({"quote": quote["quote"]["id"]}) and "submitted"
            except Answer as answer:
                return answer.status if answer.status != 401 else None  # the broker reads its tokens within a second
        self.assertEqual(until(missing, 10), 404)
        for body, field in (({"quote": quote["quote"]["id"], "name": "x"}, "quote"), ({"quote": 7}, "quote"),
                            ({"quote": ""}, "quote"), ({"quote": "q" * 200}, "quote")):
            with self.assertRaises(Answer) as refused:
                self.user.submit(body)
            self.assertIn(refused.exception.status, (400, 413))
            self.assertEqual(refused.exception.json()["field"], field)

    def test_an_expired_quote_tells_when_it_expired(self):
        quote = self.quote(job())
        problem = until(lambda: self._expired(quote), 30)
        self.assertEqual(problem["code"], "conflict")
        self.assertIn(f"expired at {quote['quote']['expires_at']}", problem["detail"])

    def _expired(self, quote):
        time.sleep(0.5)
        remaining = self.quote(job())["decided_at"] < quote["quote"]["expires_at"]
        return None if remaining else self.refusal(quote)

    def _total_now(self):
        # Nothing is to be had for a moment where the newest sheet is older than the end of another job.
        return Decimal(self.quote(job()).get("quote", {"total": "0"})["total"])

    def test_the_quoted_price_holds_while_the_site_asks_more(self):
        quote = self.quote(job())
        self.fill(12)
        until(lambda: self._total_now() > Decimal(quote["quote"]["total"]), 10)
        ended = self.user.wait(self.submit(quote))
        self.assertEqual(ended["state"], "succeeded", ended)
        self.assertEqual(leading_attempt(ended)["rate_per_hour"], quote["chosen"]["rate_per_hour"])
        self.assertEqual(len(ended["attempts"]), 1, "the site kept to its sheet")

    def test_what_is_sold_out_is_told_with_the_best_offer_now(self):
        quote = self.quote(job(site=None))
        self.assertEqual(quote["chosen"]["site"], SITE)
        self.fill(16)
        problem = self.refusal(quote)
        self.assertEqual(problem["reason"], "capacity")
        self.assertEqual((problem["wanted"], problem["offered"]), (1, 0))
        self.assertNotEqual(problem["now"]["chosen"]["site"], SITE)
        self.assertGreater(Decimal(problem["now"]["chosen"]["cost"]["total"]), Decimal(quote["quote"]["total"]))
        self.assertIn("needs 1 free unit, has 0 now", problem["detail"])

    def test_what_has_become_dearer_is_told_with_both_prices(self):
        file = self.federation.dir / "sites" / SITE / "site.toml"
        before = file.read_text()

        def change(text):
            file.write_text(text)
            self.federation.kill(SITE, signal.SIGHUP)

        quote = self.quote(job())
        total = Decimal(quote["quote"]["total"])
        change(before.replace('cpu_hour = "0.035"', 'cpu_hour = "0.070"', 1))
        try:
            dearer = until(lambda: next((each for each in [self.quote(job())] if each["outcome"] == "placed" and
                                         Decimal(each["quote"]["total"]) > total), None), 10)
            problem = self.refusal(quote)
            self.assertEqual(problem["reason"], "budget")
            self.assertEqual(Decimal(problem["wanted"]), total * 1_000_000)
            self.assertEqual(Decimal(problem["offered"]), Decimal(dearer["quote"]["total"]) * 1_000_000)
            self.assertEqual(problem["now"]["chosen"]["cost"]["total"], dearer["quote"]["total"])
        finally:
            change(before)
            until(lambda: Decimal(self.quote(job())["chosen"]["cost"]["total"]) == total, 10)

    def test_every_pool_is_told_of_and_what_would_change_the_answer(self):
        quote = self.quote(job(site="eu-zurich-1"))
        told = 1 + len(quote["runners_up"]) + len(quote["rejections"])
        self.assertEqual(told, quote["pools_considered"])
        self.assertEqual(sum(each["pools"] for each in quote["reasons"]), len(quote["rejections"]))
        self.assertEqual(self.quote(job(site="eu-zurich-1"), "?rejections=0")["rejections"], [])
        first = quote["relaxations"][0]
        self.assertEqual((first["constraint"], first["value"]), ("site_denied", SITE))
        relaxed = job()
        relaxed["constraints"]["sites_allowed"] = ["eu-zurich-1", SITE]
        self.assertEqual(self.quote(relaxed)["chosen"]["cost"], first["choice"]["cost"])

    def test_the_command_line_shows_it_and_submits_it(self):
        options = ("--duration-seconds", "5", "--site", "eu-zurich-1", "--", "true")
        text = self.federation.cli("quote", *options).stdout
        self.assertIn(f"allowing site {SITE} saves ", text)
        name = text.rsplit("tradewind submit --quote ", 1)[1].strip()
        self.federation.cli("submit", "--quote", name, "--wait")
        again = self.federation.cli("submit", "--quote", name, check=False)
        self.assertEqual(again.returncode, 2)
        self.assertIn("was used for the job", again.stderr)
        for beside in (("--cpus", "2"), ("--", "true")):
            self.assertEqual(self.federation.cli("submit", "--quote", name, *beside, check=False).returncode, 2)

    def test_explain_tells_a_waiting_job_what_would_let_it_run(self):
        self.fill(16)
        waiting = self.user.submit(job())
        self.addCleanup(lambda: self.user.post(f"/v1/jobs/{waiting}:cancel"))
        decision = until(lambda: self._waiting(waiting), 10)
        self.assertEqual(decision["relaxations"][0]["constraint"], "site_denied")
        self.assertIn("would do", self.federation.cli("explain", waiting).stdout)

    def _waiting(self, name):
        decision = self.user.get(f"/v1/jobs/{name}/decision")
        return decision if decision["outcome"] == "waiting" and "relaxations" in decision else None


class QuotesAndRestarts(unittest.TestCase):
    def test_a_restart_keeps_the_jobs_promise_and_forgets_other_quotes(self):
        with Federation() as federation:
            user = federation.user
            first, second = (user.post("/v1/quotes", job("sleep 2")) for _ in range(2))
            submitted = user.submit({"quote": first["quote"]["id"]})
            federation.kill("broker")
            federation.start("broker")
            with self.assertRaises(Answer) as forgotten:
                user.submit({"quote": second["quote"]["id"]})
            self.assertIn(forgotten.exception.status, (404, 409), "409 once it would have expired anyway")
            ended = user.wait(submitted)
            self.assertEqual(ended["state"], "succeeded", json.dumps(ended))
            self.assertEqual(ended["quote"]["total"], first["quote"]["total"])


if __name__ == "__main__":
    unittest.main()
