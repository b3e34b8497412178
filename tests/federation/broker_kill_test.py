"""The broker is killed at random moments while an array runs: nothing is lost, nothing runs twice."""
import os
import random
import signal
import time
import unittest

from federation import Federation, Ledger, shell_job

ROUNDS = int(os.environ.get("TRADEWIND_KILL_ROUNDS", "20"))
TASKS = 200


class BrokerKill(unittest.TestCase):
    def test_all_tasks_end_exactly_once_whenever_the_broker_is_killed(self):
        seed = int(os.environ.get("TRADEWIND_SEED", str(int(time.time()))))
        print(f"seed {seed} (repeat with TRADEWIND_SEED)", flush=True)
        chance = random.Random(seed)
        with Federation() as federation, Ledger() as ledger:
            for number in range(ROUNDS):
                with self.subTest(round=number):
                    self.one_round(federation, ledger, chance.uniform(0.0, 4.0))

    def one_round(self, federation, ledger, delay):
        ledger.lines.clear()
        document = shell_job(ledger.command(), network=True, array={"count": TASKS})
        array = federation.user.submit(document)
        time.sleep(delay)
        federation.kill("broker", signal.SIGKILL)
        federation.start("broker")
        states = federation.user.wait_array(array, TASKS, seconds=120)
        self.assertEqual(states.get("succeeded", 0), TASKS, states)
        jobs = federation.user.all_jobs(f"&array={array}")
        self.assertEqual(len({job["id"] for job in jobs}), TASKS, "a task is lost or listed twice")
        for job in jobs:
            self.assertEqual(ledger.count("start", job["id"]), 1, f"{job['id']} was started more than once")
            self.assertEqual(ledger.count("end", job["id"]), 1, f"{job['id']} did not run to its end once")


if __name__ == "__main__":
    unittest.main()
