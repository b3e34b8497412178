"""A large input over a line that breaks: arrives whole, is kept at its site, and the router knows it.

TRADEWIND_DATA_MIB is the input's size, 48 when not set; 1024 is what a release is held against.
"""
import hashlib
import http.server
import json
import os
import re
import subprocess
import threading
import time
import unittest
from decimal import Decimal

from federation import BIN, Answer, Client, Federation, shell_job, site_files, until

MIB = 1024 * 1024
SIZE = int(os.environ.get("TRADEWIND_DATA_MIB", "48")) * MIB
DEAR, CHEAP = "eu-zurich-1", "us-iowa-1"


class Source:
    """Serves one large file by ranges, and breaks a connection off after `cut` bytes as often as `cuts` says. With a
    `rate` it says that it serves ranges, and each connection carries so many bytes a second."""

    def __init__(self, seed, size=SIZE, cuts=0, cut=0, rate=0):
        self.rate = rate
        self.block, self.size, self.cuts, self.cut = hashlib.shake_256(seed.encode()).digest(MIB), size, cuts, cut
        self.sent, self.ranges, self.go_on, self.lock = 0, [], threading.Event(), threading.Lock()
        self.held_at = None  # where connections stand still until `go_on`
        digest = hashlib.sha256()
        for at in range(0, size, MIB):
            digest.update(self.block[:min(MIB, size - at)])
        self.sha256 = digest.hexdigest()

    def __enter__(self):
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                source.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/large"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        last = int(asked[2]) if asked and asked[2] else self.size - 1
        with self.lock:
            self.ranges.append(start)
            end = last + 1
            if self.cuts > 0:
                self.cuts -= 1
                end = min(end, start + self.cut)
        handler.send_response(206 if asked else 200)
        handler.send_header("ETag", '"one"')
        handler.send_header("Content-Length", str(last + 1 - start))
        if asked:
            handler.send_header("Content-Range", f"bytes {start}-{last}/{self.size}")
        if self.rate:
            handler.send_header("Accept-Ranges", "bytes")
        handler.end_headers()
        try:
            while start < end:
                if self.held_at is not None and start >= self.held_at:
                    self.go_on.wait()
                piece = self.block[start % MIB:min(MIB, start % MIB + end - start)]
                handler.wfile.write(piece)
                start += len(piece)
                if self.rate:
                    time.sleep(len(piece) / self.rate)
                with self.lock:
                    self.sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        handler.close_connection = True

    def input(self, **more):
        return {"path": "/data/in", "url": self.url, "sha256": self.sha256, "size_bytes": self.size, **more}


class Data(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(site_files(DEAR, CHEAP))
        for site in (DEAR, CHEAP):
            text = (folder / f"{site}.toml").read_text()
            text = text.replace('peer = "default"\n', 'peer = "default"\ningress_per_gb = "100"\n')
            text += f'cache = {{ directory = "${{TRADEWIND_DATA}}/cache-{site}", gib = {4 * SIZE / 1024 / MIB} }}\n'
            if site == CHEAP:
                text += "ranges = 1\n"
            (folder / f"{site}.toml").write_text(text)
        cls.federation = cls.enterClassContext(Federation(folder))
        cls.user = cls.federation.user
        secret = subprocess.run([BIN / "tradewind", "token", "issue", "--file", cls.federation.dir / "tokens.toml",
                                 "--name", "other", "--tenant", "other"], capture_output=True, text=True, check=True)
        cls.other = Client(cls.federation.url, secret.stdout.strip())

    def reading(self, source, site=None, **more):
        document = shell_job("sha256sum < /data/in", inputs=[source.input()], **more)
        if site:
            document["constraints"] = {"sites_allowed": [site]}
        return document

    def transfer(self, client, document):
        """What a quote says of the input at the site chosen: its price, and whether it is there."""
        chosen = client.post("/v1/quotes", document)["chosen"]
        return Decimal(chosen["cost"]["data_in"]), chosen["replicas"][0].get("held", False)

    def run_at(self, client, document, site):
        job = client.wait(client.submit(document), seconds=300)
        self.assertEqual((job["state"], job["site"]), ("succeeded", site), json.dumps(job)[:3000])
        report = job["attempts"][-1]["report"]
        wanted = document["inputs"][0]["sha256"]
        self.assertEqual(report["inputs"][0]["sha256"], wanted)
        out = client.raw("GET", f"/v1/jobs/{job['id']}/logs")[1].decode()
        self.assertIn(wanted, out, "the job read other bytes")
        return job

    def staged(self, job):
        return next(line for line in job["attempts"][-1]["report"]["system_log"] if line.startswith("staged "))

    def wait_until_told(self, document):
        until(lambda: self.transfer(self.user, document) == (0, True), 90,
              lambda: f"the router does not know of it: {self.transfer(self.user, document)}")

    def test_it_arrives_over_a_line_that_breaks_ten_times_and_the_next_job_pays_no_transfer(self):
        with Source("one", cuts=10, cut=SIZE // 12 + 1) as source:
            there = self.reading(source, DEAR)
            price = Decimal(100) * SIZE / 10 ** 9
            quoted, held = self.transfer(self.user, there)
            self.assertFalse(held)
            self.assertAlmostEqual(quoted, price, places=5)
            first = self.run_at(self.user, there, DEAR)
            self.assertEqual(source.cuts, 0)
            self.assertEqual(len(source.ranges), 11)
            self.assertGreater(source.ranges[-1], SIZE * 10 // 12, "it went on where it had stopped")
            self.assertIn("11 tries", self.staged(first))

            self.wait_until_told(there)
            sent = source.sent
            anywhere = self.reading(source)
            second = self.run_at(self.user, anywhere, DEAR)
            self.assertEqual(source.sent, sent, "it crossed the network again")
            self.assertIn("the site's cache", self.staged(second))
            decision = self.user.get(f"/v1/jobs/{second['id']}/decision")
            self.assertEqual(Decimal(decision["chosen"]["cost"]["data_in"]), 0)
            self.assertTrue(decision["chosen"]["replicas"][0]["held"])
            self.assertIn("has 1 of its inputs already", decision["summary"])

            self.another_tenant_sees_and_gets_nothing_of_it(source, there, price)
            self.a_restart_forgets_nothing(source, there, anywhere)

    def another_tenant_sees_and_gets_nothing_of_it(self, source, there, price):
        def quoted():
            try:
                return self.transfer(self.other, there)
            except Answer as answer:
                return None if answer.status == 401 else answer  # the broker looks at its tokens now and then
        quoted, held = until(quoted, 10)
        self.assertFalse(held)
        self.assertAlmostEqual(quoted, price, places=5)
        sent = source.sent
        self.run_at(self.other, there, DEAR)
        self.assertEqual(source.sent, sent + SIZE, "a digest alone gave it to another tenant")

    def a_restart_forgets_nothing(self, source, there, anywhere):
        self.federation.kill(DEAR)
        self.federation.start(DEAR)
        sent = source.sent
        self.run_at(self.user, there, DEAR)  # it waits for a new sheet, if need be
        self.wait_until_told(anywhere)
        self.run_at(self.user, anywhere, DEAR)
        self.assertEqual(source.sent, sent)

    def test_several_ranges_bring_more_than_one_where_each_connection_has_a_limit(self):
        took = {}
        for site in (DEAR, CHEAP):
            with Source(site, size=max(SIZE, 96 * MIB), cuts=3, cut=5 * MIB, rate=8 * MIB) as source:
                job = self.run_at(self.user, self.reading(source, site), site)
                took[site] = job["attempts"][-1]["report"]["inputs"][0]["milliseconds"]
                self.assertEqual("4 ranges at once" in self.staged(job), site == DEAR, self.staged(job))
                self.assertLess(source.sent, source.size + 8 * MIB, "much came twice")
        print(f"{max(SIZE, 96 * MIB) // MIB} MiB at 8 MiB/s a connection: "
              f"{took[DEAR]} ms by four, {took[CHEAP]} ms by one", flush=True)
        self.assertLess(took[DEAR] * 2, took[CHEAP])

    def test_a_gateway_that_starts_again_goes_on_where_it_was_killed(self):
        with Source("two", size=16 * MIB) as source:
            source.held_at = 12 * MIB
            job = self.user.submit(self.reading(source, CHEAP))
            cache = self.federation.dir / "data" / f"cache-{CHEAP}"
            until(lambda: [each for each in cache.glob("*.part") if each.stat().st_size >= 10 * MIB], 60)
            self.federation.kill(CHEAP)
            source.go_on.set()
            self.federation.start(CHEAP)
            ended = self.user.wait(job, seconds=120)
            self.assertEqual(ended["state"], "succeeded", json.dumps(ended)[:3000])
            self.assertEqual(source.ranges[0], 0)
            self.assertGreaterEqual(source.ranges[1], 10 * MIB)


if __name__ == "__main__":
    unittest.main()
