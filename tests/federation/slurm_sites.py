"""Sites of which each has a real Slurm of its own, for tests and benchmarks."""
import contextlib
import importlib.machinery
import importlib.util
import pathlib
import shutil
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _load():
    loader = importlib.machinery.SourceFileLoader("slurm_cluster", str(ROOT / "tests/engines/slurm"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("slurm_cluster", loader))
    loader.exec_module(module)
    return module


slurm_cluster = _load()
REGIONS = (("us-iowa", "US"), ("eu-zurich", "CH"), ("jp-osaka", "JP"))

SITE = """
[site]
id = "{id}"
region = "{region}"
jurisdiction = "{jurisdiction}"
provider = "Centre {id}"

[link]
listen = "tcp://127.0.0.1:0"

[[pool]]
id = "main"
architecture = "amd64"
nodes = {nodes}
node = {{ cpus = {cpus}, memory_gib = {gib}, disk_gib = 100 }}
tariff = {{ cpu_hour = "0.0{price}", gib_hour = "0.005" }}
price_curve = {{ a = "3", exponent = 8 }}

[engine]
kind = "slurm"
sandbox = "{sandbox}"

[engine.slurm]
{access}

[staging]
file_roots = ["${{TRADEWIND_DATA}}"]
write_roots = ["${{TRADEWIND_DATA}}/results"]
allow_private_hosts = true
"""


@contextlib.contextmanager
def slurm_sites(count, nodes=2, cpus=16, gib=16, sandbox="bubblewrap", by_commands=()):
    """Yields the folder of site files and the clusters by site. Those whose numbers, from 0, are in `by_commands` are
    spoken to by Slurm's commands, the others by slurmrestd."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tradewind-slurm-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        (folder / "sites").mkdir()
        clusters = {}
        for number in range(count):
            region, jurisdiction = REGIONS[number % len(REGIONS)]
            site = f"{region}-{number + 1}"
            # More memory than is sold: a gibibyte is a little more than Slurm's round numbers.
            cluster = stack.enter_context(slurm_cluster.Slurm(folder / site, nodes, cpus, gib * 1024))
            clusters[site] = cluster
            access = f'url = "{cluster.url}"\ntoken_file = "{cluster.dir}/token"'
            if number in by_commands:
                access = f'commands = "{cluster.dir}/bin"'
            (folder / f"sites/{site}.toml").write_text(SITE.format(
                id=site, region=region, jurisdiction=jurisdiction, nodes=nodes, cpus=cpus, gib=gib, price=30 + number,
                sandbox=sandbox, access=access))
        yield folder / "sites", clusters
