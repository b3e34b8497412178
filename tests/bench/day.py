"""A day of jobs and the sites that could run them, for the benchmark of prices. Writes sites.txt and jobs.txt as
real_market.py does, and arrivals.txt with the second at which each job comes.

What the data does not say is stated here, beside what real_market.py states of networks and of the jobs' resources and
data.

Sites: one in each region with a price list, at exactly its prices. It sells one kind of CUDA device, drawn from those
on its list that have at least 16 GiB and a known speed, of instance types with at least 4 CPUs and 24 GiB a device: the
type with most devices, up to 8, of these the cheapest. A region without devices sells one kind of processor, by 4 CPUs.
Speeds are the makers' for 16-bit numbers, but for the K80 and the P100, which lack the units that those rest on: theirs
are as measured against a V100 in training.

How devices are sold, which no data says; there are two answers:

    device   by the device, from one stock a site: what a job takes is a number of devices with their shares of CPUs and
             memory, on whichever machines they are. For this speak the jobs, which state a number of devices and not of
             machines (those that make 94 % of the work state nothing else); the prices, which are those of devices: of
             1,209 offers on smaller machines, 82 % cost the same a device, within 5 %, as the largest machine with that
             device in the region; and schedulers with generic resources and markets of devices, which sell so.
    node     by whole machines. The site has pools of 1, of 2, of 3 to 4 and of 5 to 8 devices a machine as far as its list
             has them, each of the type as above of that span.

Sizes: pools are spread as 1/u, u even from 0.02 to 1, so that few are large and many small; they are scaled by one
factor so that the jobs on devices demand 85 % of what the pools can do, devices counted by their speed; the same for
processors, counted in CPUs. Whole machines are scaled for each span by its own jobs, so that 85 % holds for each size of
job: machines of 2 and of 4 taken together would leave those of 4 demanded to 88 %, since no job of 4 goes on a machine of
2. One pool of those with most devices a machine is large enough for the widest job.

Jobs: all jobs of both traces that ran. The traces are of months, from clusters far smaller than all these sites, so
they are folded into one day of many clusters, with every job in it once. There are two such days, of the same sites,
sizes and homes. In the steady one a job comes at a second of the day drawn evenly, so that the demand is 85 % at every
hour: an assumption, no trace has it so. In the other it comes at its own second of the day, whatever the day was, with
day and night; 85 % is then the average of a wave. What a job works is stated for a V100; it is done sooner or later
elsewhere by the device's speed. A job's home is a region whose site could run it, drawn by the size of the pools there
(of its span, where machines are sold whole): who has jobs today runs them on a site of its own.

What is drawn comes from fixed seeds: which device a site sells, sizes, seconds, homes. `draw` numbers the seeds.

Without the data, 200 sites in 50 regions and 20,000 jobs are made up from fixed seeds, in the same shape.
"""
import math
import pathlib
import random
import statistics

import real_market
from real_market import MODELS, name, number, rows

DAY = 24 * 3600
LONGEST = 366 * DAY  # that a site's policy can allow
LOAD = 0.85
ACCELERATOR_GIB = 16
CPUS, GIB = 4, 24  # that jobs ask with a device
SIZES = (0.02, 1)  # of u
SPANS = {"device": (0, math.inf), "node": (0, 1, 2, 4, 8)}  # devices on a machine, up to


def span_of(devices, sold):
    """Of devices on a machine, those that are sold for the same jobs."""
    return next(span for span in SPANS[sold] if devices <= span)


def sell(pool, sold):
    """A pool of machines of several units as it is sold; what is one stock is merged when its size is known."""
    if sold == "node":
        pool[9:12] = pool[6:9]
    else:
        pool[6:9] = pool[9:12]
    return pool


def machines(devices, sold):
    """How many a job of so many devices needs, and the devices on each."""
    if sold == "device":
        return 1, devices
    count = max(1, -(-devices // 8))
    return count, -(-devices // count)


def adequate(pool, job):
    if bool(pool[8]) != bool(job["devices"]) or pool[8] < job["devices"] or pool[5] < job["nodes"]:
        return False
    if job["devices"] and (pool[4] < job["gib"] or (job["models"] and pool[3] not in job["models"])):
        return False
    if job["devices"] and job["seconds"] * 1e6 / pool[12] > LONGEST:
        return False
    return pool[6] >= job["cpus"] and pool[7] >= job["mib"]


def speed(pool):
    """Of a machine: V100s, or CPUs."""
    return pool[8] * pool[12] / 1e6 if pool[8] else pool[6]


def real_jobs(data, sold):
    jobs = []
    for source in ("jobs_philly_2017", "jobs_alibaba_gpu_2023"):
        for index, row in enumerate(rows(data / f"{source}.csv.gz")):
            if not row["duration_s"] or float(row["duration_s"]) < 1:
                continue  # it never ran
            devices = -int(-float(row["gpus"] or 0) // 1)
            nodes, each = machines(devices, sold)
            cpus = max(1, int(float(row["cpus"])) if row["cpus"] else 4 * each)
            mib = int(float(row["memory_gib"]) * 1024) if row["memory_gib"] else 24 * 1024 * each
            models = [model for kind in row["gpu_type"].split("|") for model in MODELS.get(kind, [])]
            jobs.append({"at": int(float(row["submit_s"])) % DAY, "cpus": cpus, "mib": mib, "devices": each,
                         "models": models, "gib": ACCELERATOR_GIB if each else 0, "nodes": nodes,
                         "seconds": int(float(row["duration_s"])), "data": min(100, 5 * devices or cpus) * 10**9,
                         "key": (source, index)})
    return jobs


def speeds(data):
    """By accelerator, a V100 being 1,000,000: as measured where it was, else as stated by the maker."""
    steps = {}
    for row in rows(data / "throughput_by_gpu.csv"):
        if row["num_gpus"] == "1" and float(row["steps_per_s"]) > 0:
            steps.setdefault((row["model"], row["batch_size"]), {})[row["gpu"].upper()] = float(row["steps_per_s"])
    found = real_market.speeds(data)
    for device in ("K80", "P100"):
        ratios = [each[device] / each["V100"] for each in steps.values() if device in each and "V100" in each]
        found[device] = int(statistics.geometric_mean(ratios) * 1e6)
    return found


def real_sites(data, sold, draw):
    performance = speeds(data)
    places = {(row["cloud"], row["region"]): row for row in rows(data / "regions.csv")}
    network = real_market.networks(real_market.matrix(data))
    sites = []
    for pair, types in sorted(real_market.offers(data).items()):
        devices, processors = {}, []
        for row in types.values():
            count = float(row["accelerator_count"] or 0)
            if not row["accelerator"]:
                processors.append(row)
            elif row["accelerator"] in performance and real_market.family(row["accelerator"]) == "cuda" and count <= 8 \
                    and float(row["accelerator_memory_gib"] or 0) >= ACCELERATOR_GIB \
                    and float(row["vcpus"]) >= CPUS * count and float(row["memory_gib"]) >= GIB * count:
                kept = devices.setdefault(row["accelerator"], {})
                order = lambda each: (-float(each["accelerator_count"]), float(each["price_usd_hour"]))
                span = span_of(count, sold)
                kept[span] = min(row, kept.get(span, row), key=order)
        kinds = sorted(devices, key=lambda kind: number(draw, *pair, kind))
        if kinds:
            chosen = [sell(real_market.pool(row, performance, 1), sold)
                      for _, row in sorted(devices[kinds[0]].items())]
        elif not processors:
            continue
        else:
            order = lambda row: (abs(float(row["vcpus"]) - 32), number(row["instance_type"]))
            chosen = [real_market.pool(min(processors, key=order), performance, 1)]
        place = places.get(pair, {})
        sites.append({"region": name(*pair), "country": place.get("country") or "US", "provider": pair[0],
                      "carbon": int(float(place.get("grid_gco2_kwh_2025") or 0)),
                      "pools": chosen, "network": network(pair)})
    return sites


def made_up_jobs(sold):
    draw = random.Random(1)
    jobs = []
    for index in range(20_000):
        devices = draw.choices([0, 1, 2, 4, 8, 16], [5, 70, 10, 8, 6, 1])[0]
        nodes, each = machines(devices, sold)
        jobs.append({"at": draw.randrange(DAY), "cpus": 4 * max(1, each), "mib": 24 * 1024 * max(1, each),
                     "devices": each, "models": draw.choice([[], [], ["fast"]]) if each else [], "gib": 0,
                     "nodes": nodes, "seconds": min(30 * 24 * 3600, int(draw.lognormvariate(8, 2)) + 60),
                     "data": min(100, 5 * max(1, devices)) * 10**9, "key": ("made up", index)})
    return jobs


def made_up_sites(sold):
    draw = random.Random(2)
    sites = []
    for index in range(200):
        kind, performance, price = draw.choice([("fast", 2_500_000, 3_000_000), ("medium", 1_000_000, 1_500_000),
                                                ("slow", 500_000, 700_000)])
        price = int(price * draw.uniform(0.5, 2))
        pools = [sell([f"{kind}-{count}", "amd64", "cuda", kind, 40, 1, 8 * count, 64 * 1024 * count, count, 8,
                       64 * 1024, 1, performance, 0, price, 0, 0], sold)
                 for count in ((1, 2, 4, 8) if sold == "node" else (8,))]
        if index % 8 == 0:
            price = int(40_000 * draw.uniform(0.5, 2))
            pools = [["cpu", "amd64", "-", "-", 0, 4, 32, 192 * 1024, 0, 4, 24 * 1024, 0, 20_000, price, 0, 0, 0]]
        egress = draw.choice([20_000, 50_000, 90_000, 120_000])
        sites.append({"region": f"region-{index % 50}", "country": "US", "provider": "made-up", "carbon": 0,
                      "pools": pools, "network": [["net", "default", egress, 0, 5_000, 80]]})
    return sites


def size(sites, jobs, sold, draw):
    """Sets the pools' machines."""
    for span in SPANS[sold]:
        pools = [pool for site in sites for pool in site["pools"] if span_of(pool[8], sold) == span]
        asked = [job for job in jobs if span_of(job["devices"], sold) == span]
        demand = sum(job["seconds"] * job["nodes"] * (job["devices"] or job["cpus"]) for job in asked) / DAY / LOAD
        pools.sort(key=lambda pool: number(*pool))
        largest = max(pools, key=lambda pool: pool[8])
        widest = max((-(-job["nodes"] * max(1, job["devices"]) // max(1, largest[8])) for job in asked), default=1)
        drawn = random.Random(f"{draw} sizes")
        weights = sorted((1 / drawn.uniform(*SIZES) for _ in pools), reverse=True)
        low, high = 0.0, demand
        for _ in range(60):
            scale = (low + high) / 2
            for pool, weight in zip(pools, weights):
                pool[5] = max(1, round(scale * weight / speed(pool)))
            largest[5] = max(largest[5], widest)
            offered = sum(pool[5] * speed(pool) for pool in pools)
            low, high = (scale, high) if offered < demand else (low, scale)
        if sold == "device" and span:
            for pool in pools:
                pool[6:9] = [each * pool[5] for each in pool[6:9]]
                pool[5] = 1


def settle(sites, jobs, sold, draw):
    """Sets the jobs' homes; gives those back that no pool could run."""
    choices, left = {}, []
    for job in jobs:
        need = (job["cpus"], job["mib"], job["devices"], job["gib"], tuple(job["models"]), job["nodes"],
                job["seconds"] if job["seconds"] > 10 * DAY else 0)
        if need not in choices:
            found = [(site["region"], pool) for site in sites for pool in site["pools"] if adequate(pool, job)]
            # Where it need not take a far larger machine, if there are such.
            span = span_of(job["devices"], sold)
            near = [each for each in found if span_of(each[1][8], sold) == span] or found
            choices[need] = [region for region, _ in near], [pool[5] * speed(pool) for _, pool in near]
        regions, weights = choices[need]
        if regions:
            job["home"] = random.Random(f"{draw} home {job['key']}").choices(regions, weights)[0]
        else:
            left.append(job)
    return left


def write(data, folder, sold, steady, draw):
    """Writes the files into `folder` unless they are there; returns it. `steady`: jobs come at any second alike."""
    folder = pathlib.Path(folder)
    done = folder / "done"
    if done.exists() and done.stat().st_mtime > pathlib.Path(__file__).stat().st_mtime:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    real = (data / "prices.csv.gz").exists()
    sites = real_sites(data, sold, draw) if real else made_up_sites(sold)
    jobs = real_jobs(data, sold) if real else made_up_jobs(sold)
    if steady:
        for job in jobs:
            job["at"] = random.Random(f"{draw} second {job['key']}").randrange(DAY)
    jobs.sort(key=lambda job: (job["at"], number(*job["key"])))
    size(sites, jobs, sold, draw)
    left = settle(sites, jobs, sold, draw)
    assert not left, f"{len(left)} jobs fit nowhere, such as {left[0]}"
    with open(folder / "sites.txt", "w") as out:
        seen = {}
        for site in sites:
            copy = seen[site["region"]] = seen.get(site["region"], -1) + 1
            print("site", f"{site['region']}-{copy}", site["region"], site["country"], site["provider"], site["carbon"],
                  sep="\t", file=out)
            for index, pool in enumerate(site["pools"]):
                print("pool", f"{index}-{pool[0]}", *pool[1:], sep="\t", file=out)
            for row in site["network"]:
                print(*row, sep="\t", file=out)
    with open(folder / "jobs.txt", "w") as out, open(folder / "arrivals.txt", "w") as arrivals:
        for job in jobs:
            print(job["cpus"], job["mib"], job["devices"], "|".join(job["models"]) or "-", job["gib"], job["nodes"],
                  job["seconds"], job["home"], job["data"], job["data"] // 10, sep="\t", file=out)
            print(job["at"], file=arrivals)
    done.touch()
    return folder
