"""The command line as people and scripts use it."""
import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

from federation import BIN, ROOT, Federation, until

TRADEWIND = BIN / "tradewind"


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.federation = cls.enterClassContext(Federation())

    def cli(self, *arguments, **more):
        return self.federation.cli(*arguments, **more)

    def test_submit_and_follow_shows_the_output_and_exits_with_success(self):
        done = self.cli("submit", "--follow", "--", "sh", "-c", "echo one; sleep 0.5; echo two")
        self.assertEqual(done.stdout, "one\ntwo\n")

    def test_the_exit_code_tells_what_went_wrong(self):
        self.assertEqual(self.cli("submit", "--wait", "--", "false", check=False).returncode, 1)
        self.assertEqual(self.cli("submit", check=False).returncode, 2)
        self.assertEqual(self.cli("jobs", "j0000000000000", check=False).returncode, 3)
        self.assertEqual(self.cli("--token", "nonsense", "jobs", check=False).returncode, 4)
        self.assertEqual(self.cli("--url", "http://127.0.0.1:1", "jobs", check=False).returncode, 5)
        done = self.cli("quote", "--accelerators", "8", "--accelerator-family", "cuda", "--", "train", check=False)
        self.assertEqual(done.returncode, 6, done.stdout + done.stderr)

    def test_errors_name_the_field_and_the_remedy(self):
        done = self.cli("submit", "--cost-max", "many", "--", "true", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("constraints.cost_max", done.stderr)
        done = self.cli("submit", "--file", "-", check=False, text_in="command: [\"true\"]\ncolour: red\n")
        self.assertIn("colour", done.stderr)

    def test_json_output_is_for_programs(self):
        job = json.loads(self.cli("--output", "json", "submit", "--", "true").stdout)["id"]
        self.federation.user.wait(job)
        shown = json.loads(self.cli("--output", "json", "jobs", job).stdout)
        self.assertEqual((shown["id"], shown["state"]), (job, "succeeded"))
        listed = json.loads(self.cli("--output", "json", "jobs", "--state", "succeeded").stdout)
        self.assertIn(job, [each["id"] for each in listed["jobs"]])
        decision = json.loads(self.cli("--output", "json", "explain", job).stdout)
        self.assertEqual(decision["chosen"]["site"], shown["site"])

    def test_explain_shows_the_numbers_that_decided(self):
        job = self.cli("submit", "--duration-seconds", "60", "--", "true").stdout.strip()
        self.federation.user.wait(job)
        text = self.cli("explain", job).stdout
        decision = self.federation.user.get(f"/v1/jobs/{job}/decision")
        self.assertIn(decision["chosen"]["site"], text)
        for each in decision["runners_up"] + decision["rejections"]:
            self.assertIn(each["site"], text)

    def test_a_submission_with_a_key_is_the_same_job_again(self):
        first = self.cli("submit", "--idempotency-key", "k1", "--", "true").stdout
        self.assertEqual(self.cli("submit", "--idempotency-key", "k1", "--", "true").stdout, first)

    def test_logs_can_be_followed_while_the_job_runs(self):
        job = self.cli("submit", "--", "sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.3; done").stdout.strip()
        self.assertEqual(self.cli("logs", "-f", job).stdout, "line 1\nline 2\nline 3\n")

    def test_cancel_ends_a_running_job(self):
        job = self.cli("submit", "--", "sleep", "300").stdout.strip()
        self.federation.user.wait(job, states=("running",))
        self.cli("cancel", job)
        self.assertEqual(self.federation.user.wait(job)["state"], "canceled")

    def test_market_and_sites_show_every_site(self):
        for command in ("market", "sites"):
            text = self.cli(command).stdout
            for site in ("eu-zurich-1", "us-iowa-1", "jp-osaka-1"):
                self.assertIn(site, text)

    def test_sites_show_in_which_state_each_is(self):
        def state(site):
            row = next(line for line in self.cli("sites").stdout.splitlines() if line.startswith(site))
            return next(word for word in row.split() if word in ("active", "suspended", "quarantined"))
        self.assertEqual(state("us-iowa-1"), "active")
        self.cli("site", "state", "us-iowa-1", "suspended", token="operator")
        until(lambda: state("us-iowa-1") == "suspended", 10)
        self.assertNotIn("us-iowa-1", self.cli("market").stdout)
        self.cli("site", "state", "us-iowa-1", "active", token="operator")
        until(lambda: state("us-iowa-1") == "active", 10)

    def environment(self, **more):
        return {**os.environ, "TRADEWIND_URL": self.federation.url, "TRADEWIND_TOKEN": self.federation.user.token, **more}

    @contextlib.contextmanager
    def start(self, *arguments, **more):
        with subprocess.Popen([TRADEWIND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.environment(), **more) as process:
            late = threading.Timer(150, process.kill)  # ends every read of it
            late.start()
            try:
                yield process
            finally:
                late.cancel()
                process.kill()

    def test_run_is_the_command_with_its_output_and_its_exit_code(self):
        done = self.cli("run", "--", "sh", "-c", "echo out; echo err >&2; sleep 0.5; echo more; exit 3", check=False)
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("out\nmore\n", "err\n", 3))
        self.assertEqual(self.cli("run", "--", "sh", "-c", "kill -9 $$", check=False).returncode, 128 + 9)

    def test_run_tells_by_its_own_codes_why_there_is_none_of_the_command(self):
        for arguments in (["--cost-max", "many", "--", "true"], ["--bogus"], [], ["--site", "nowhere-1", "--", "true"]):
            self.assertEqual(self.cli("run", *arguments, check=False).returncode, 125, arguments)
        self.assertEqual(self.cli("--url", "http://127.0.0.1:1", "run", "--", "true", check=False).returncode, 125)
        done = self.cli("run", "--time-limit-seconds", "1", "--", "sleep", "60", check=False)
        self.assertEqual(done.returncode, 124, done.stderr)
        self.assertIn("time limit", done.stderr)

    def test_an_interrupted_run_cancels_its_job(self):
        with self.start("run", "--name", "interrupted", "--", "sh", "-c", "echo begun; sleep 300") as running:
            self.assertEqual(running.stdout.readline(), "begun\n")
            running.send_signal(signal.SIGINT)
            self.assertIn("canceling", running.stderr.readline())
            self.assertEqual(running.wait(30), 130)
        (job,) = self.federation.user.get("/v1/jobs?name_prefix=interrupted")["jobs"]
        self.assertEqual(job["state"], "canceled")

    def test_a_second_interrupt_leaves_the_job_alone(self):
        with self.start("run", "--name", "left", "--", "sh", "-c", "trap '' TERM; echo begun; sleep 300") as running:
            self.assertEqual(running.stdout.readline(), "begun\n")
            running.send_signal(signal.SIGINT)
            self.assertIn("canceling", running.stderr.readline())
            running.send_signal(signal.SIGINT)
            self.assertEqual(running.wait(5), 130)
        (job,) = self.federation.user.get("/v1/jobs?name_prefix=left")["jobs"]
        self.assertIn(job["state"], ("running", "canceled"))

    def test_a_run_whose_reader_has_gone_ends_with_the_job(self):
        done = subprocess.run(["bash", "-c", '"$0" run -- sh -c "echo 1; sleep 0.5; echo 2; sleep 0.5; echo 3; exit 4" | head -1;'
                               ' echo ${PIPESTATUS[0]}', TRADEWIND], env=self.environment(), capture_output=True, text=True)
        self.assertEqual(done.stdout, "1\n4\n", done.stderr)

    def test_a_folder_is_no_settings_file_and_no_document(self):
        for arguments in (("--config", "/tmp", "jobs"), ("submit", "--file", "/tmp")):
            self.assertEqual(self.cli(*arguments, check=False).returncode, 2, arguments)

    def test_a_run_goes_on_with_the_output_of_later_attempts(self):
        """The site that runs the job is killed and comes back; the job starts again, there or elsewhere."""
        script = "echo at $TRADEWIND_ATTEMPT; [ $TRADEWIND_ATTEMPT = 1 ] && sleep 300; echo done"
        with self.start("run", "--arch", "amd64", "--", "sh", "-c", script) as running:
            self.assertEqual(running.stdout.readline(), "at 1\n")
            (job,) = self.federation.user.get("/v1/jobs?state=running&limit=1")["jobs"]
            self.federation.kill(job["site"])
            self.federation.start(job["site"])
            out, err = running.communicate(timeout=120)
        self.assertEqual((out, running.returncode), ("at 2\ndone\n", 0), err)

    def lines_of_watching(self, *arguments, until_line):
        """What a watching command prints until a line matches."""
        with self.start(*arguments) as watching:
            lines = []
            for line in watching.stdout:
                lines.append(line)
                if until_line(line):
                    break
            watching.terminate()
        return lines

    def test_watching_prints_what_changes(self):
        with self.start("jobs", "--watch", "--name-prefix", "watched") as watching:
            self.assertEqual(watching.stdout.readline(), "no jobs\n")
            job = self.cli("submit", "--name", "watched", "--", "true").stdout.strip()
            for line in watching.stdout:
                self.assertTrue(line.startswith(job), line)
                if "succeeded" in line:
                    break
            else:
                self.fail("it ended before it told that the job had")
            watching.terminate()
        lines = self.lines_of_watching("-o", "json", "market", "--watch", until_line=lambda line: True)
        self.assertIn("offers", json.loads(lines[0]))
        head = self.lines_of_watching("market", "--watch", until_line=lambda line: True)[0].split()
        for column in ("FACTOR", "FREE", "WAIT", "AGE", "QUOTE"):
            self.assertIn(column, head)

    def on_a_terminal(self, *arguments, **environment):
        """What is printed on a terminal of 80 columns."""
        control, terminal = pty.openpty()
        subprocess.run(["stty", "cols", "80", "rows", "20"], stdin=terminal, check=True)
        done = subprocess.run([TRADEWIND, *arguments], stdin=terminal, stdout=terminal, stderr=subprocess.PIPE,
                              env=self.environment(TERM="xterm", **environment), timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        os.close(terminal)
        text = b""
        try:
            while piece := os.read(control, 65536):
                text += piece
        except OSError:  # the other end is closed
            pass
        os.close(control)
        return text.decode()

    def test_a_terminal_gets_colours_and_its_width_and_a_pipe_neither(self):
        job = self.cli("submit", "--wait", "--", "true").stdout.split()[0]
        text = self.on_a_terminal("jobs", "--limit", "5")
        self.assertIn("\033[32msucceeded\033[0m", text)
        self.assertIn(job, text)
        for command in ("jobs", "market", "sites"):
            plain = self.on_a_terminal(command, NO_COLOR="1")
            self.assertNotIn("\033", plain)
            self.assertLessEqual(max(len(line) for line in plain.splitlines()), 80, plain)
            self.assertNotIn("\033", self.cli(command).stdout)
        self.assertGreater(max(len(line) for line in self.cli("sites").stdout.splitlines()), 80)

    def test_cancel_by_filter_asks_or_is_told(self):
        jobs = [self.cli("submit", "--tag", "batch=c", "--", "sleep", "300").stdout.strip() for _ in range(3)]
        other = self.cli("submit", "--tag", "batch=d", "--", "sleep", "300").stdout.strip()
        refused = self.cli("cancel", "--tag", "batch=c", check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--yes", refused.stderr)
        self.assertEqual(self.cli("cancel", check=False).returncode, 2)
        done = self.cli("-o", "json", "cancel", "--tag", "batch=c", "--yes")
        self.assertEqual(json.loads(done.stdout), {"canceled": 3})
        for job in jobs:
            self.assertEqual(self.federation.user.wait(job)["state"], "canceled")
        self.assertNotIn(self.federation.user.job(other)["state"], ("canceled", "failed"))
        self.assertIn("canceling 1 jobs", self.on_a_terminal("cancel", "--tag", "batch=d", "-y"))
        self.federation.user.wait(other)

    def test_the_market_has_a_history(self):
        whole = json.loads(self.cli("-o", "json", "market", "--history").stdout)
        offers = self.federation.user.get("/v1/offers")["offers"]
        self.assertEqual({(each["site"], each["pool"]) for each in whole["series"]},
                         {(each["site"], each["pool"]) for each in offers})
        self.assertTrue(all(each["points"] for each in whole["series"]))
        self.assertIn("us-iowa-1", self.cli("market", "--history", "--day").stdout)
        site, pool = whole["series"][0]["site"], whole["series"][0]["pool"]
        points = self.cli("market", "--history", "--site", site, "--pool", pool).stdout.splitlines()
        self.assertIn("LEAST FREE", points[0])
        self.assertGreaterEqual(len(points), 2)

    def test_a_document_is_submitted_by_its_name(self):
        with tempfile.TemporaryDirectory() as folder:
            document = pathlib.Path(folder) / "job.yaml"
            document.write_text("command: [echo, from a document]\n")
            self.assertEqual(self.cli("run", str(document)).stdout, "from a document\n")
            batch = pathlib.Path(folder) / "jobs.ndjson"
            batch.write_text('{"command": ["true"]}\n' * 3)
            self.assertEqual(len(self.cli("submit", str(batch)).stdout.split()), 3)

    def test_settings_come_from_options_then_the_environment_then_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "tradewind/config.toml"
            file.parent.mkdir()
            token = self.federation.user.token
            file.write_text(f'url = "{self.federation.url}"\ntoken = "{token}"\noutput = "json"\ntags = {{made = "file"}}\n'
                            '[profiles.wrong]\nurl = "http://127.0.0.1:1"\n')
            file.chmod(0o600)
            clean = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIND_")}

            def tradewind(*arguments, **more):
                return subprocess.run([TRADEWIND, *arguments], capture_output=True, text=True,
                                      env={**clean, "XDG_CONFIG_HOME": folder, **more})
            job = json.loads(tradewind("submit", "--", "true").stdout)["id"]
            self.assertEqual(self.federation.user.job(job)["tags"], {"made": "file"})
            self.assertEqual(tradewind("-o", "table", "submit", "--", "true").stdout.count("{"), 0)
            self.assertEqual(tradewind("--profile", "wrong", "jobs").returncode, 5)
            self.assertEqual(tradewind("jobs", TRADEWIND_PROFILE="wrong").returncode, 5)
            self.assertEqual(tradewind("jobs", TRADEWIND_URL="http://127.0.0.1:1").returncode, 5)
            self.assertEqual(tradewind("--url", self.federation.url, "jobs", TRADEWIND_URL="http://127.0.0.1:1").returncode, 0)
            self.assertEqual(tradewind("--profile", "none", "jobs").returncode, 2)
            self.assertEqual(tradewind("--config", "/nowhere", "jobs").returncode, 2)
            file.chmod(0o640)
            refused = tradewind("jobs")
            self.assertEqual(refused.returncode, 2)
            self.assertIn(f"chmod 600 {file}", refused.stderr)
            self.assertEqual(tradewind("help", "exit-codes").returncode, 0, "needs no settings")

    def test_an_array_is_one_submission(self):
        array = self.cli("submit", "--array", "5", "--", "sh", "-c", "echo $TRADEWIND_ARRAY_INDEX").stdout.strip()
        self.federation.user.wait_array(array, 5)
        listed = json.loads(self.cli("-o", "json", "jobs", "--array", array).stdout)["jobs"]
        self.assertEqual(sorted(each["array_index"] for each in listed), [0, 1, 2, 3, 4])
        for each in listed:
            log = self.cli("logs", each["id"]).stdout
            self.assertEqual(log, f"{each['array_index']}\n")

    def test_rates_are_set_by_operators_and_named_by_decisions(self):
        before = json.loads(self.cli("-o", "json", "rates").stdout)
        self.assertEqual(self.cli("rates", "set", "GBP=1.27", check=False).returncode, 4)
        self.cli("rates", "set", "GBP=1.27", "SEK=0.095", token="operator")
        text = self.cli("rates", "set", "GBP=1.2700001", token="operator", check=False).stderr
        self.assertIn("GBP", text)
        after = json.loads(self.cli("-o", "json", "rates").stdout)
        self.assertEqual(after["version"], before["version"] + 1)
        self.assertEqual(after["rates"], before["rates"] | {"GBP": "1.27", "SEK": "0.095"})
        self.assertIn("1.27", self.cli("rates").stdout)
        quote = json.loads(self.cli("-o", "json", "quote", "--", "true").stdout)
        self.assertEqual(quote["rates_version"], after["version"])
        job = self.cli("submit", "--wait", "--", "true")
        refused = self.cli("rates", "set", "--accounting", "CHF", token="operator", check=False)
        self.assertNotEqual(refused.returncode, 0, job.stdout)
        self.assertIn("accounting_currency", refused.stderr)

    def test_a_suspended_site_gets_no_work_until_it_is_active_again(self):
        site = "jp-osaka-1"
        self.assertEqual(self.cli("site", "state", site, "suspended", check=False).returncode, 4)
        self.cli("site", "state", site, "suspended", token="operator")
        try:
            decision = json.loads(self.cli("-o", "json", "quote", "--arch", "arm64", "--", "true", check=False).stdout)
            self.assertNotEqual(decision["outcome"], "placed")
        finally:
            self.cli("site", "state", site, "active", token="operator")
        until(lambda: json.loads(self.cli("-o", "json", "quote", "--arch", "arm64", "--", "true",
                                          check=False).stdout)["outcome"] == "placed", 20)


class Completion(unittest.TestCase):
    """The scripts in the shells that they are for."""

    CASES = (
        (["tradewind", "sub"], ["submit"]),
        (["tradewind", "--output", "json", "dataset", ""], ["list", "remove", "set", "show"]),
        (["tradewind", "jobs", "--output", ""], ["json", "table"]),
        (["tradewind", "--profile", "jobs", "mark"], ["market"]),
        (["tradewind", "jobs", "--st"], ["--state"]),
        (["tradewind", "budget", "set", "--re"], ["--replaces"]),
        (["tradewind", "site", "state", "x", "a"], ["active"]),
        (["tradewind", "completion", ""], ["bash", "fish", "zsh"]),
    )

    def script(self, shell):
        done = subprocess.run([TRADEWIND, "completion", shell], capture_output=True, text=True, check=True)
        return done.stdout

    def check(self, shell, complete):
        if not shutil.which(shell):
            self.skipTest(f"there is no {shell}")
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder) / "script"
            script.write_text(self.script(shell))
            for words, expected in self.CASES:
                done = subprocess.run([shell, *complete(str(script), words)], capture_output=True, text=True, timeout=30)
                self.assertEqual((sorted(done.stdout.split()), done.stderr), (expected, ""), words)

    def test_bash(self):
        self.check("bash", lambda script, words: [
            "--norc", "-c", 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tradewind; '
            'echo "${COMPREPLY[@]}"', script, *words])

    def test_zsh(self):
        # Its own functions of completion work in its line editor only; these print what they are given, as far as it
        # begins with the word.
        stubs = ('compdef() { }; offer() { for each in "$@"; do [[ $each == ${words[CURRENT]}* ]] && print -r -- "$each"; '
                 'done; true }; compadd() { [[ $1 == -- ]] && shift; offer "$@" }; '
                 '_describe() { offer "${(@)list%%:*}" }; ')
        self.check("zsh", lambda script, words: [
            "-f", "-c", stubs + 'source "$0"; words=("$@"); CURRENT=$#; _tradewind', script, *words])

    def test_fish(self):
        self.check("fish", lambda script, words: [
            "--no-config", "-c", f"source {script}; complete -C '{' '.join(words)}' | string replace -r '\\t.*' ''"])

    def test_every_command_is_in_every_script(self):
        scripts = [self.script(shell) for shell in ("bash", "zsh", "fish")]

        def below(*path):
            text = subprocess.run([TRADEWIND, *path, "--help"], capture_output=True, text=True, check=True).stdout
            found = re.search(r"^Subcommands:\n((?:  .*\n)*)", text, re.MULTILINE)
            return re.findall(r"^  (\S+)", found[1], re.MULTILINE) if found else []
        for command in below():
            for path in [[command]] + [[command, each] for each in below(command)]:
                for script in scripts:
                    self.assertIn(" ".join(["tradewind", *path]), script)


class ExitCodes(unittest.TestCase):
    def test_the_page_and_the_help_tell_the_same(self):
        told = json.loads(subprocess.run([TRADEWIND, "-o", "json", "help", "exit-codes"], capture_output=True, text=True,
                                         check=True).stdout)
        page = (ROOT / "docs/submitting.md").read_text()
        rows = [(int(code), meaning) for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)]
        self.assertEqual(rows, [(each["code"], each["meaning"])
                                for each in told["exit_codes"] + told["run"]])


if __name__ == "__main__":
    unittest.main()
