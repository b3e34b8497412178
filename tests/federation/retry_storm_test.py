"""Clients that ask again and again while all sites are suspended: no request makes a second job, and once the sites are
back, so is what the federation does in a second."""
import os
import threading
import time
import unittest

from federation import Federation, Ledger, shell_job
from history import History, check_history

SUSPENDED_SECONDS = int(os.environ.get("TRADEWIND_STORM_SECONDS", "10"))
BACK_SECONDS = 60
RATE = 4  # jobs a second that clients want
PATIENCE_SECONDS = 1
RETRIES = 3
SITES = ("us-iowa-1", "eu-zurich-1", "jp-osaka-1")
CPUS = {"us-iowa-1": 16, "eu-zurich-1": 8, "jp-osaka-1": 12}


class RetryStorm(unittest.TestCase):
    def client(self, history, document):
        """Wants one job; asks again when it has not ended soon."""
        job = history.submit(document)
        number = next(each for _, each, told in history.answers if told == job)
        for _ in range(RETRIES):
            time.sleep(PATIENCE_SECONDS)
            if history.client.job(job)["state"] == "succeeded":
                return
            history.ask(number)

    def load(self, history, document, seconds):
        clients = []
        for _ in range(RATE * seconds):
            clients.append(threading.Thread(target=self.client, args=(history, document), daemon=True))
            clients[-1].start()
            time.sleep(1 / RATE)
        return clients

    def test_after_the_dip_all_that_was_asked_for_is_done_and_as_fast_as_before(self):
        with Federation() as federation, Ledger() as ledger:
            document = shell_job(ledger.command(), network=True)
            history = History(federation.user)
            clients = self.load(history, document, 5)
            for site in SITES:
                federation.cli("site", "state", site, "suspended", token="operator")
            clients += self.load(history, document, SUSPENDED_SECONDS)
            waiting = federation.user.all_jobs("&state=queued")
            self.assertGreater(len(waiting), RATE * SUSPENDED_SECONDS / 2)
            for site in SITES:
                federation.cli("site", "state", site, "active", token="operator")
            back = time.monotonic()
            after = History(federation.user)
            clients += self.load(after, document, 5)
            for each in clients:
                each.join()
            history.settle(BACK_SECONDS)
            # What came meanwhile was not slower than it came, but for the last that still run.
            after.settle(BACK_SECONDS - (time.monotonic() - back))
            check_history(history, ledger, CPUS)
            check_history(after, ledger, CPUS)
            asked, wanted = len(history.answers), len(history.requests)
            print(f"{asked} requests for {wanted} jobs; all ended {time.monotonic() - back:.1f} s after the sites were "
                  "back", flush=True)
            # The storm was one.
            self.assertGreater(asked, 2 * wanted)


if __name__ == "__main__":
    unittest.main()
