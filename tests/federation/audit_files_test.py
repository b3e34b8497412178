"""`tradewind audit verify` over exported files: what a dishonest or damaged log comes to, with and without a checkpoint
that was saved before."""
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["TRADEWIND_BIN"])
SIZES = (10, 256, 300, 1_000)


class AuditFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.log, cls.kept, cls.witness = cls.sample("honest", SIZES[-1])

    @classmethod
    def sample(cls, name, fork, sizes=SIZES):
        log, kept = cls.folder / name / "log", cls.folder / name / "kept"
        done = subprocess.run([BIN / "sample_log", log, kept, cls.folder / "key", str(fork), *map(str, sizes)],
                              stdout=subprocess.PIPE, text=True, check=True)
        cls.key, witness = done.stdout.split()  # all have one key, and each a witness of its own
        return log, kept, witness

    def verify(self, log, *more, key=None):
        return subprocess.run([BIN / "tradewind", "audit", "verify", "--log", log, "--log-key", key or self.key, *more],
                              capture_output=True, text=True, timeout=60)

    def good(self, done, what):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(what, done.stdout)

    def bad(self, done, what):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(what, done.stderr)
        self.assertNotIn("verified", done.stdout)

    def copy(self, name):
        log = self.folder / name
        shutil.copytree(self.log, log)
        return log

    def test_an_honest_log_is_verified_whole_and_from_each_saved_checkpoint(self):
        self.good(self.verify(self.log), "1000 entries verified, of 1000")
        for size in SIZES:
            self.good(self.verify(self.log, "--saved", self.kept / str(size)), f"{1000 - size} entries verified, of 1000")

    def test_the_checkpoint_that_was_verified_is_kept_for_the_next_time(self):
        saved = self.folder / "seen"
        self.good(self.verify(self.log, "--save", saved), "1000 entries verified")
        self.assertEqual(saved.read_bytes(), (self.log / "checkpoint").read_bytes())
        self.good(self.verify(self.log, "--saved", saved), "0 entries verified, of 1000")

    def test_a_log_that_was_set_back_is_found_by_a_saved_checkpoint(self):
        shorter, _, _ = self.sample("shorter", 1_000, (10, 256))
        self.good(self.verify(shorter), "256 entries verified")
        self.bad(self.verify(shorter, "--saved", self.kept / "300"), "was set back")

    def test_an_old_checkpoint_shown_again_is_found(self):
        log = self.copy("replayed")
        shutil.copy(self.kept / "256", log / "checkpoint")
        self.bad(self.verify(log, "--saved", self.kept / "300"), "was set back")

    def test_a_fork_is_found_by_a_saved_checkpoint(self):
        forked, kept, _ = self.sample("forked", 5)
        self.good(self.verify(forked), "1000 entries verified")
        for size in SIZES:
            self.bad(self.verify(forked, "--saved", self.kept / str(size)), "")
        self.good(self.verify(forked, "--saved", kept / "300"), "700 entries verified")

    def test_a_log_of_the_same_size_and_another_root_is_a_fork(self):
        forked, _, _ = self.sample("same-size", 999)
        self.bad(self.verify(forked, "--saved", self.kept / "1000"), "")

    def test_a_truncated_log_is_found(self):
        log = self.copy("truncated")
        (log / "tile/entries/002").unlink()
        self.bad(self.verify(log), "002")

    def test_any_flipped_byte_of_any_file_is_found(self):
        random.seed(26)
        # Files that a verification of the whole reads; partial ones that a full one has replaced are not.
        files = [each for each in sorted(self.log.rglob("*")) if each.is_file()
                 and not (".p" in str(each.relative_to(self.log)) and each.name != "232" and each.name != "3")]
        for number in range(60):
            log = self.folder / f"flip-{number}"
            shutil.copytree(self.log, log)
            file = log / random.choice(files).relative_to(self.log)
            data = bytearray(file.read_bytes())
            if file.name == "checkpoint":  # the other signatures are nobody's that was asked for
                place = random.randrange(data.index(b"\n\n"))
            else:
                place = random.randrange(len(data))
            data[place] ^= 1 << random.randrange(8)
            file.write_bytes(data)
            done = self.verify(log)
            self.assertNotEqual(done.returncode, 0, f"{file.relative_to(log)} at {place}")
            shutil.rmtree(log)

    def test_witnesses_that_are_asked_for_must_have_cosigned(self):
        self.good(self.verify(self.log, "--witness", self.witness), "cosigned by witness.example/sample")
        _, _, other = self.sample("other-witness", 1_000)
        self.bad(self.verify(self.log, "--witness", other), "")
        self.bad(self.verify(self.log, "--witness", "no key"), "--witness")

    def test_another_key_and_missing_options_are_refused_with_a_remedy(self):
        self.bad(self.verify(self.log, key=self.key.replace("log.example", "log.invalid")), "--log-key")
        self.bad(subprocess.run([BIN / "tradewind", "audit", "verify", "--log", self.log], capture_output=True, text=True),
                 "--log-key")
        self.bad(self.verify(self.log, "--saved", self.folder / "nowhere"), "nowhere")
        self.bad(self.verify(self.folder / "nothing-here"), "")


if __name__ == "__main__":
    unittest.main()
