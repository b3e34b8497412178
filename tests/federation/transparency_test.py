"""A published transparency log as others see it: verified by golang.org/x/mod, from files and over HTTP."""
import functools
import http.server
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

from federation import BIN, ROOT, build_log_verifier

SIZES = (0, 1, 10, 256, 300, 66_000)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Transparency(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.verifier = build_log_verifier(cls.folder)
        cls.log, cls.kept = cls.folder / "log", cls.folder / "kept"
        cls.key, cls.witness = cls.make_log(cls.log, cls.kept, SIZES)

    @classmethod
    def make_log(cls, log, kept, sizes):
        """The keys of the log and its witness; the log has a key of its own."""
        done = subprocess.run([BIN / "sample_log", log, kept, kept.with_suffix(".key"), str(sizes[-1]),
                               *map(str, sizes)], stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.split()

    def verify(self, log, *more):
        return subprocess.run([self.verifier, "-log", str(log), "-key", self.key, "-witness", self.witness, *more],
                              capture_output=True, text=True, timeout=300)

    def verify_all(self, log):
        known = [argument for size in SIZES for argument in ("-known", str(self.kept / str(size)))]
        return self.verify(log, *known, "-samples", "300", "-receipt", self.kept / "receipt.tlog-proof",
                           "-entry", self.kept / "entry")

    def test_everything_published_is_verified(self):
        done = self.verify_all(self.log)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"{SIZES[-1]} entries, {len(SIZES)} known checkpoints, 300 sampled: all verified\n")

    def test_any_web_server_can_serve_it_and_partial_tiles_may_go(self):
        log = self.folder / "served"
        shutil.copytree(self.log, log)
        for partial in log.glob("tile/**/*.p"):
            if partial.with_suffix("").exists():
                shutil.rmtree(partial)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=log))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}"
        done = self.verify_all(url)
        self.assertEqual(done.returncode, 0, done.stderr)
        page = (ROOT / "docs/log-format.md").read_text()
        for block in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, capture_output=True,
                                      text=True, env={**os.environ, "LOG": url, "KEY": self.key})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("Verified Successfully", done.stdout)

    def test_a_changed_byte_is_noticed(self):
        generator = random.Random(1)
        files = [self.log / name for name in ("checkpoint", "tile/0/000", "tile/0/257.p/208", "tile/1/000",
                                              "tile/1/001.p/1", "tile/2/000.p/1", "tile/entries/000",
                                              "tile/entries/257.p/208")]
        for file in files:
            with self.subTest(file=file.name):
                good = file.read_bytes()
                # The lines of strangers at a checkpoint's end are nobody's to verify.
                at = generator.randrange(60 if file.name == "checkpoint" else len(good))
                bad = bytearray(good)
                bad[at] ^= 1 << generator.randrange(8)
                file.write_bytes(bad)
                try:
                    self.assertEqual(self.verify(self.log).returncode, 1)
                finally:
                    file.write_bytes(good)

    def test_another_key_or_another_past_is_refused(self):
        other, kept = self.folder / "other", self.folder / "other-kept"
        keys = self.make_log(other, kept, (10,))
        self.assertEqual(self.verify(self.log, "-known", kept / "10").returncode, 1)
        self.assertEqual(self.verify(other).returncode, 1)
        self.key, self.witness = keys
        self.assertEqual(self.verify(other).returncode, 0)


if __name__ == "__main__":
    unittest.main()
