"""The log after what brokers die of: what was signed and shown stays true, however often and wherever it is hit."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from federation import BIN, Answer, Client, build_log_verifier, checkpoint_size, held_ports, shell_job, until, verify_log

KILLS = int(os.environ.get("TRADEWIND_LOG_KILLS", "200"))
FLIPS = int(os.environ.get("TRADEWIND_LOG_FLIPS", "24"))
LIFE_SECONDS_MAX = 0.45  # beyond what a start takes
GONE = (OSError, http.client.HTTPException)  # what a client sees of a broker that was killed


class LoneBroker:
    """A broker without sites: jobs are taken and wait."""

    def __init__(self, folder):
        self.folder, self.held = pathlib.Path(folder), contextlib.ExitStack()  # its port is its own while it is down
        self.port, = self.held.enter_context(held_ports(1))
        self.url = f"http://127.0.0.1:{self.port}"
        self.ready = self.folder / "ready"
        if not (self.folder / "ca").exists():
            subprocess.run([BIN / "tradewind", "ca", "init", self.folder / "ca", "--federation", "local"],
                           check=True, stdout=subprocess.DEVNULL)
            done = subprocess.run([BIN / "tradewind", "token", "issue", "--file", self.folder / "tokens.toml", "--name",
                                   "auditor", "--role", "auditor"], check=True, capture_output=True, text=True)
            (self.folder / "auditor.token").write_text(done.stdout.strip())
        self.auditor = Client(self.url, (self.folder / "auditor.token").read_text())
        self.user = Client(self.url)

    def launch(self, directory="broker", options=(), env=None):
        self.ready.unlink(missing_ok=True)
        with open(self.folder / "out", "ab") as out:
            return subprocess.Popen([BIN / "tradewind-broker", "run", "--dir", self.folder / directory,
                                     "--ca", self.folder / "ca", "--tokens", self.folder / "tokens.toml", "--open",
                                     "--listen", f"127.0.0.1:{self.port}", "--ready-file", self.ready, *options],
                                    env={**os.environ, **(env or {})},
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def starts(self, process, seconds=30):
        """Whether it serves; False when it has ended instead."""
        until(lambda: self.ready.exists() or process.poll() is not None, seconds)
        return process.poll() is None

    def said(self, after=-4000):
        out = self.folder / "out"
        return out.read_text(errors="replace")[after:] if out.exists() else ""

    def checkpoint(self):
        return self.user.raw("GET", "/log/checkpoint", timeout=5)[1]

    def shows(self, index, seconds=30):
        def covers():
            try:
                note = self.checkpoint()
            except Answer:
                return None
            return note if checkpoint_size(note) > index else None
        return until(covers, seconds, lambda: f"entry {index} is not published: {self.said()}")


class LogRecovery(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.verifier = build_log_verifier(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.broker = LoneBroker(self.folder)

    def run_broker(self):
        process = self.broker.launch()
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def verify(self, known):
        return verify_log(self.verifier, self.broker.url, self.broker.auditor.token, known=known)

    def test_all_checkpoints_seen_between_kills_are_beginnings_of_the_final_log(self):
        chance = random.Random(20)
        over = threading.Event()
        seen, acknowledged = [], {}

        def watch():
            while not over.wait(0.1):
                try:
                    note = self.broker.checkpoint()
                except (Answer, *GONE):
                    continue
                if not seen or seen[-1] != note:
                    seen.append(note)

        def submit():
            while not over.wait(0.02):
                try:
                    answer = self.broker.user.call("POST", "/v1/jobs", shell_job("true"), timeout=5)
                except (Answer, *GONE):
                    continue
                acknowledged[answer["id"]] = answer["log_index"]

        clients = [threading.Thread(target=each, daemon=True) for each in (watch, submit)]
        for each in clients:
            each.start()
        began = time.monotonic()
        try:
            process = self.run_broker()
            self.assertTrue(self.broker.starts(process), self.broker.said())
            start_seconds = time.monotonic() - began
            process.kill()
            process.wait()
            for _ in range(KILLS - 1):
                process = self.run_broker()
                time.sleep(chance.uniform(0, start_seconds + LIFE_SECONDS_MAX))
                self.assertIsNone(process.poll(), self.broker.said())
                process.kill()
                process.wait()
            took = time.monotonic() - began
            process = self.run_broker()
            self.assertTrue(self.broker.starts(process), self.broker.said())
        finally:
            over.set()
            for each in clients:
                each.join()
        seen.append(self.broker.shows(max(acknowledged.values())))
        print(f"{KILLS} kills in {took:.0f} s, {len(seen)} checkpoints, {len(acknowledged)} jobs", flush=True)
        self.assertGreater(len(seen), KILLS // 10)
        sizes = [checkpoint_size(note) for note in seen]
        self.assertEqual(sizes, sorted(sizes), "an older checkpoint was shown again")
        done = self.verify(seen)
        self.assertEqual(done.returncode, 0, done.stderr)
        submissions = self.submissions()
        for job, index in acknowledged.items():
            self.assertEqual(submissions.get(job), index, job)

    def submissions(self):
        """Job to index, of all entries about submissions."""
        found, cursor = {}, "0"
        while cursor:
            page = self.broker.auditor.get(f"/v1/audit/entries?type=org.tradewind.job.submitted&limit=1000"
                                           f"&cursor={cursor}")
            found |= {json.loads(each["event"])["subject"]: each["index"] for each in page["entries"]}
            cursor = page.get("next_cursor")
        return found

    def test_a_second_broker_on_the_same_folder_refuses_to_run(self):
        first = self.run_broker()
        self.assertTrue(self.broker.starts(first), self.broker.said())
        second = LoneBroker(self.folder)
        second.ready = self.folder / "ready-2"
        process = second.launch()
        self.assertFalse(second.starts(process))
        self.assertNotEqual(process.wait(), 0)
        self.assertIn("the journal is in use by another process", second.said())
        index = self.broker.user.post("/v1/jobs", shell_job("true"))["log_index"]
        self.broker.shows(index)

    def test_a_flipped_bit_in_the_store_is_found_or_changes_nothing(self):
        process = self.run_broker()
        self.assertTrue(self.broker.starts(process), self.broker.said())
        for _ in range(300):
            index = self.broker.user.post("/v1/jobs", shell_job("true"))["log_index"]
        self.broker.shows(index)
        # Most of it into tables; what is written after the start stays in the write-ahead log.
        process.terminate()
        process.wait()
        process = self.run_broker()
        self.assertTrue(self.broker.starts(process), self.broker.said())
        index = self.broker.user.post("/v1/jobs", shell_job("true"))["log_index"]
        note = self.broker.shows(index)
        process.terminate()
        process.wait()
        good = self.folder / "good"
        shutil.copytree(self.folder / "broker", good)
        files = [file for file in sorted((good / "journal").rglob("*")) if file.is_file() and file.stat().st_size]
        chance, refused, unreadable = random.Random(4), 0, 0
        for number in range(FLIPS):
            file = files[number % len(files)].relative_to(good)
            shutil.rmtree(self.folder / "broker")
            shutil.copytree(good, self.folder / "broker")
            bad = bytearray((good / file).read_bytes())
            at = chance.randrange(len(bad))
            bad[at] ^= 1 << chance.randrange(8)
            (self.folder / "broker" / file).write_bytes(bad)
            with self.subTest(file=str(file), at=at):
                process = self.run_broker()
                if self.broker.starts(process):
                    self.assertGreaterEqual(checkpoint_size(self.broker.shows(index)), checkpoint_size(note))
                    done = self.verify([note])
                    if done.returncode != 0:
                        # A start reads all entries, but not all tiles and bundles: then whoever asks for it is told.
                        damaged = re.search(r"(tile/\S+): 500 Internal Server Error", done.stderr)
                        self.assertTrue(damaged, done.stderr)
                        with self.assertRaises(Answer) as caught:
                            self.broker.auditor.raw("GET", "/log/" + damaged[1])
                        self.assertEqual(caught.exception.json()["code"], "corrupt")
                        unreadable += 1
                else:
                    self.assertNotEqual(process.returncode, 0)
                    refused += 1
                    self.assertIn("broker.failed", self.broker.said())
            process.kill()
            process.wait()
        print(f"{FLIPS} flips: {refused} refused at the start, {unreadable} found by a reader", flush=True)
        self.assertGreater(refused, 0)


if __name__ == "__main__":
    unittest.main()
