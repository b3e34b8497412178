"""The check of histories is not blind: what is wrong in answers or ledger is found, each by its own rule."""
import copy
import types
import unittest

from federation import Federation, Ledger, shell_job
from history import History, check_history, violations

CPUS = {"a": 2, "b": 2}


def sample():
    """A history of one job whose first attempt was lost, and of an array of two."""
    def job(name, number, attempts):
        return {"id": name, "state": "succeeded", "tags": {"request": f"9-{number}"}, "cost": "0.000023",
                "spec": {"resources": {"cpus": 1}, "nodes": 1}, "attempts": attempts}

    def attempt(number, **more):
        return {"number": number, "rate_per_hour": "0.04", **more}

    def report():
        return {"code": "succeeded", "charge": "0.000023", "usage": {"wall_seconds": 2}}
    history = types.SimpleNamespace(
        requests={1: {}, 2: {"array": {"count": 2}}},
        answers=[(0.0, 1, "j1"), (0.1, 2, "j2")],
        seen=[(20.0, job("j1", 1, [attempt(1), attempt(2, report=report())])),
              (20.0, job("j2-0", 2, [attempt(1, report=report())])),
              (20.0, job("j2-1", 2, [attempt(1, report=report())]))])
    ledger = types.SimpleNamespace(lines=[
        (1.0, "start", "j1", "1", "a"), (2.0, "beat", "j1", "1", "a"),
        (5.0, "start", "j1", "2", "b"), (6.5, "end", "j1", "2", "b"),
        (5.1, "start", "j2-0", "1", "b"), (6.6, "end", "j2-0", "1", "b"),
        (5.2, "start", "j2-1", "1", "a"), (6.7, "end", "j2-1", "1", "a")])
    return history, ledger


class CheckOfHistories(unittest.TestCase):
    def setUp(self):
        self.history, self.ledger = copy.deepcopy(sample())
        self.job = self.history.seen[0][1]

    def finds(self, words):
        found = violations(self.history, self.ledger, CPUS)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_a_good_history_is_good(self):
        check_history(self.history, self.ledger, CPUS)

    def test_a_lost_task_is_found(self):
        del self.history.seen[2]
        self.finds("asked for 2 jobs and made 1")

    def test_an_acknowledged_id_without_a_job_is_found(self):
        self.history.answers.append((0.2, 1, "j7"))
        self.finds("j7, acknowledged for request 1, does not exist")

    def test_a_job_without_end_is_found(self):
        self.job["state"] = "running"
        self.finds("j1 has not ended")

    def test_a_success_that_is_taken_back_is_found(self):
        self.history.seen.append((21.0, {**copy.deepcopy(self.job), "state": "failed"}))
        self.finds("j1 was succeeded and became failed")

    def test_a_success_without_a_run_is_found(self):
        self.ledger.lines[3] = (6.5, "beat", "j1", "2", "b")
        self.finds("no run of it came to its end")

    def test_runs_that_overlap_are_found(self):
        self.ledger.lines.append((5.3, "beat", "j1", "1", "a"))
        self.finds("attempt 2 began 0.30 s before attempt 1 was over")

    def test_a_run_after_the_success_is_found(self):
        self.ledger.lines.append((30.0, "start", "j1", "3", "a"))
        self.finds("attempt 3 began after the success was told")

    def test_a_second_start_of_an_attempt_is_found(self):
        self.ledger.lines.append((5.4, "start", "j1", "2", "b"))
        self.finds("j1#2 was started 2 times")

    def test_a_second_result_is_found(self):
        self.job["attempts"][0]["report"] = {"code": "succeeded", "charge": "0", "usage": {"wall_seconds": 1}}
        self.job["attempts"][0]["rate_per_hour"] = "0"
        self.finds("2 results were taken")

    def test_an_oversold_site_is_found(self):
        self.job["spec"]["resources"]["cpus"] = 2
        self.finds("b: runs held 3 CPUs")

    def test_a_charge_above_the_rate_is_found(self):
        self.job["attempts"][1]["report"]["charge"] = self.job["cost"] = "0.000025"
        self.finds("charged 0.000025 for 2 s")

    def test_a_bill_for_time_that_did_not_run_is_found(self):
        self.job["attempts"][1]["report"]["usage"]["wall_seconds"] = 30
        self.job["attempts"][1]["report"]["charge"] = self.job["cost"] = "0.000333"
        self.finds("billed 30 s, it ran 1.50 s")

    def test_a_cost_that_is_not_the_sum_is_found(self):
        self.job["cost"] = "0.000046"
        self.finds("costs 0.000046")

    def test_an_attempt_billed_twice_is_found(self):
        self.job["attempts"].append({"number": 2, "rate_per_hour": "0.04"})
        self.finds("an attempt is billed twice")


class Canary(unittest.TestCase):
    def test_a_client_that_asks_again_without_a_key_is_caught(self):
        cpus = {"us-iowa-1": 16, "eu-zurich-1": 1000, "jp-osaka-1": 1000}
        with Federation() as federation, Ledger() as ledger:
            for keyed in (True, False):
                history = History(federation.user)
                history.submit(shell_job(ledger.command(), network=True), keyed=keyed)
                history.ask(1, keyed=keyed)  # the first answer was lost, say
                history.settle()
                found = violations(history, ledger, cpus)
                if keyed:
                    self.assertEqual(found, [])
                else:
                    self.assertIn("asked for 1 jobs and made 2", " ".join(found))


if __name__ == "__main__":
    unittest.main()
