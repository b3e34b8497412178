"""Workflow engines run whole workflows over a federation, unchanged: Debian's Snakemake and Toil, by TES.

Both ask for py-tes, which Debian has not: what they use of it is in tes_interface/. TRADEWIND_WORKFLOW_STEPS says how many
steps run side by side in each workflow (default 2).
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from federation import Federation

STEPS = int(os.environ.get("TRADEWIND_WORKFLOW_STEPS", "2"))
HERE = pathlib.Path(__file__).resolve().parent

SITE = """
[site]
id = "centre"
region = "us-iowa"
jurisdiction = "US"
provider = "A centre"

[link]
listen = "tcp://127.0.0.1:0"

[[pool]]
id = "main"
architecture = "amd64"
nodes = 1
node = {{ cpus = 64, memory_gib = 64, disk_gib = 100 }}
tariff = {{ cpu_hour = "0.01" }}

[engine]
kind = "process"
sandbox = "{sandbox}"

[staging]
file_roots = ["${{TRADEWIND_DATA}}"]
write_roots = ["${{TRADEWIND_DATA}}/results"]
"""

SNAKEFILE = """
rule total:
    input: expand("part{n}", n=range(STEPS))
    output: "total"
    shell: "cat {input} > {output}"
rule part:
    input: "words.txt"
    output: "part{n}"
    resources: mem_mb=500
    shell: "echo {wildcards.n} $(wc -w < {input}) > {output}"
"""

TOIL = """
from toil.common import Toil
from toil.job import Job

NEEDS = {"memory": "600M", "cores": 1, "disk": "100M"}

def square(job, n):
    return n * n

def total(job, parts):
    return sum(parts)

def start(job, steps):
    parts = [job.addChildJobFn(square, n, **NEEDS).rv() for n in range(steps)]
    return job.addFollowOnJobFn(total, parts, **NEEDS).rv()

if __name__ == "__main__":
    with Toil(Job.Runner.getDefaultArgumentParser().parse_args()) as toil:
        print("total", toil.start(Job.wrapJobFn(start, STEPS, **NEEDS)))
"""


class Workflows(unittest.TestCase):
    def federation(self, sandbox):
        sites = pathlib.Path(tempfile.mkdtemp(prefix="tradewind-workflows-"))
        self.addCleanup(shutil.rmtree, sites, ignore_errors=True)
        (sites / "centre.toml").write_text(SITE.format(sandbox=sandbox))
        federation = self.enterContext(Federation(sites))
        self.flow = federation.dir / "data/results/flow"
        self.flow.mkdir(parents=True)
        return federation

    def run_in_flow(self, federation, *command):
        # The clients of the distribution, by its own Python.
        env = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(HERE / "tes_interface"),
               "TES_TOKEN": federation.user.token}
        done = subprocess.run([str(word) for word in command], cwd=self.flow, env=env, capture_output=True, text=True,
                              timeout=300, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-6000:])
        return done.stdout

    @unittest.skipUnless(os.path.exists("/usr/bin/snakemake"), "Debian's snakemake is not installed")
    @unittest.skipUnless(os.path.exists("/usr/bin/python"), "Debian's python-is-python3 is not installed")
    def test_snakemake_runs_a_workflow(self):
        federation = self.federation("bubblewrap")
        (self.flow / "words.txt").write_text("one two three\n")
        (self.flow / "Snakefile").write_text(SNAKEFILE.replace("STEPS", str(STEPS)))
        self.run_in_flow(federation, "/usr/bin/snakemake", "--tes", federation.url, "--jobs", STEPS,
                         "--container-image", "debian:12")
        self.assertEqual((self.flow / "total").read_text(), "".join(f"{n} 3\n" for n in range(STEPS)))
        jobs = federation.user.all_jobs()
        self.assertEqual([job["state"] for job in jobs], ["succeeded"] * (STEPS + 1))

    @unittest.skipUnless(os.path.exists("/usr/bin/toil"), "Debian's toil is not installed")
    def test_toil_runs_a_workflow(self):
        # Toil's tasks write to its job store where it lies, so they must see the machine's files.
        federation = self.federation("none")
        (self.flow / "flow.py").write_text(TOIL.replace("STEPS", str(STEPS)))
        said = self.run_in_flow(federation, "/usr/bin/python3", "flow.py", "--batchSystem", "tes", "--tesEndpoint",
                                federation.url, "--tesBearerToken", federation.user.token, "--disableAutoDeployment",
                                f"file:{self.flow}/store")
        self.assertIn(f"total {sum(n * n for n in range(STEPS))}", said)
        jobs = federation.user.all_jobs()
        self.assertEqual([job["state"] for job in jobs], ["succeeded"] * (STEPS + 2))


if __name__ == "__main__":
    unittest.main()
