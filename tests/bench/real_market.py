"""Sites and jobs for the routing benchmark from public data: prices, regions, egress prices, latencies and
throughputs of clouds, and the jobs of two clusters. Writes sites.txt and jobs.txt, which real_market.cpp reads.

What the data does not say is stated here. A site sells eight pools of one cloud region: up to four accelerators, for
the rest processors; of more sites than the 241 regions, the further ones lie in the same regions at prices of 85 to
135 % and with other pools. A unit is one device with its share of the instance, or four CPUs. Jobs of the first
cluster ask 4 CPUs and 24 GiB a device and any CUDA device of at least 16 GiB; over 8 devices they take whole nodes of
8. A share of a device counts as one. Data: 5 GB a device, else 1 GB a CPU, at most 100 GB, at the job's home; a tenth
of it goes back there. A job's home is one of the regions with known egress prices, by its tenant or else its number.
"""
import csv
import gzip
import hashlib
import pathlib
import re

SITES = 10_000
POOLS = 8
JOBS_STRIDE = 4
# Jobs name device types of their time; the clouds' names for them. Others ask any device.
MODELS = {"T4": ["t4"], "P100": ["p100"], "V100M16": ["v100"], "V100M32": ["v100-32gb", "v100"], "A10": ["a10", "a10g"]}


def number(*parts):
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:4], "big")


def rows(file):
    opened = gzip.open(file, "rt") if file.suffix == ".gz" else open(file)
    with opened as text:
        yield from csv.DictReader(text)


def name(*parts):
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:48]


def family(accelerator):
    for found, words in (("rocm", ("mi25", "mi300", "radeon", "v520")), ("neuron", ("inferentia", "trainium")),
                         ("tpu", ("tpu",)), ("gaudi", ("gaudi",)), ("fpga", ("virtex",))):
        if any(word in accelerator.lower() for word in words):
            return found
    return "cuda"


def speeds(data):
    found = {}
    for row in rows(data / "accelerators.csv"):
        if row["fp16_bf16_dense_tflops"]:
            for each in [row["name"], *row["alias"].split("|")]:
                found[each] = max(50_000, int(float(row["fp16_bf16_dense_tflops"]) / 125 * 1e6))  # a V100 is 1
    return found


def offers(data):
    """By (cloud, region): the cheapest zone's offer of each instance type."""
    found = {}
    for row in rows(data / "prices.csv.gz"):
        if row["arch"] == "i386" or not row["vcpus"] or not row["memory_gib"] or not row["price_usd_hour"]:
            continue
        price = float(row["price_usd_hour"])
        if price <= 0 or float(row["vcpus"]) < 1 or (row["accelerator"] and float(row["accelerator_count"] or 0) < 1):
            continue
        types = found.setdefault((row["cloud"], row["region"]), {})
        if row["instance_type"] not in types or price < float(types[row["instance_type"]]["price_usd_hour"]):
            types[row["instance_type"]] = row
    return found


def pool(row, performance, factor):
    cpus, mib = int(float(row["vcpus"])), int(float(row["memory_gib"]) * 1024)
    devices = int(float(row["accelerator_count"] or 0)) if row["accelerator"] else 0
    units = devices or max(1, cpus // 4)
    price = float(row["price_usd_hour"]) * factor
    spot = float(row["spot_price_usd_hour"] or 0) * factor
    micros = int(price * 1e6 / units)
    unit_cpus, unit_mib = max(1, cpus // units), max(1, mib // units)
    model = name(row["accelerator"]) if devices else "-"
    return [name(row["instance_type"]), {"arm64": "arm64"}.get(row["arch"], "amd64"),
            family(row["accelerator"]) if devices else "-", model, int(float(row["accelerator_memory_gib"] or 0)),
            4 + number(row["region"], row["instance_type"]) % 61, cpus, mib, devices, unit_cpus, unit_mib,
            1 if devices else 0, performance.get(row["accelerator"], 400_000) if devices else 20_000,
            0 if devices else max(1, micros // unit_cpus), micros if devices else 0,
            int(min(spot / price, 1) * 1e6) if spot > 0 else 0, 50_000]


def pools(types, performance, copy):
    """Up to four accelerators, each as the instance with most devices, then processors of distinct families."""
    devices, processors = {}, {}
    for row in types.values():
        if row["accelerator"]:
            kept = devices.get(row["accelerator"])
            if kept is None or float(kept["accelerator_count"]) < float(row["accelerator_count"]) <= 16:
                devices[row["accelerator"]] = row
        elif 8 <= float(row["vcpus"]) <= 96:
            kind = re.split(r"[.]|-(?=[^-]*$)", row["instance_type"])[0]
            kept = processors.get(kind)
            if kept is None or abs(float(row["vcpus"]) - 32) < abs(float(kept["vcpus"]) - 32):
                processors[kind] = row
    turn = lambda found: [found[key] for key in sorted(found, key=lambda key: number(key, copy))]
    chosen = turn(devices)[:4]
    chosen += turn(processors)[:POOLS - len(chosen)]
    # Where a region has less variety, further sizes; where it sells fewer types than that, some twice.
    further = [row for row in turn(types) if row not in chosen] + turn(types)
    while len(chosen) < POOLS:
        chosen += further[:POOLS - len(chosen)]
    return chosen


def matrix(data):
    """By receiving region: by sending region [egress of the sender, bandwidth, rtt]."""
    found = {}
    for row in rows(data / "egress_price.csv"):
        if row["dst_region"] != "internet":
            key = (row["src_cloud"], row["src_region"]), (row["dst_cloud"], row["dst_region"])
            found[key] = [int(float(row["usd_per_gb"]) * 1e6), 0, 0]
    for row in rows(data / "network_throughput.csv.gz"):
        key = (row["src_cloud"], row["src_region"]), (row["dst_cloud"], row["dst_region"])
        if key in found and row["gbps_received"]:
            found[key][1] = int(float(row["gbps_received"]) * 1000)
    for row in rows(data / "network_latency.csv.gz"):
        key = (row["src_cloud"], row["src_region"]), (row["dst_cloud"], row["dst_region"])
        if key in found and row["rtt_avg_ms"]:
            found[key][2] = max(1, int(float(row["rtt_avg_ms"])))
    return found


def networks(ways):
    """By region: the rows of its network tariff."""
    by_place = {}
    for (source, target), (egress, mbit, rtt) in ways.items():
        by_place.setdefault(source, {}).setdefault(target, [0, 0, 0])[0] = egress
        by_place.setdefault(target, {}).setdefault(source, [0, 0, 0])[1:] = [mbit, rtt]
    default_egress = {"aws": 90_000, "azure": 87_000, "gcp": 120_000}

    def network(pair):
        return [["net", "region:" + name(*other), egress, 0, mbit, rtt]
                for other, (egress, mbit, rtt) in sorted(by_place.get(pair, {}).items())
                ] + [["net", "default", default_egress.get(pair[0], 20_000), 0, 1_000, 100]]
    return network


def write_sites(data, file):
    performance = speeds(data)
    places = {(row["cloud"], row["region"]): row for row in rows(data / "regions.csv")}
    found = offers(data)
    ways = matrix(data)
    network = networks(ways)
    pairs = sorted(found)
    known = sorted({end for way in ways for end in way} & set(pairs))
    with open(file, "w") as out:
        for count in range(SITES):
            pair, copy = pairs[count % len(pairs)], count // len(pairs)
            place = places.get(pair, {})
            country = place.get("country") or "US"
            carbon = place.get("grid_gco2_kwh_2025") or 0
            region = name(*pair)
            print("site", f"{region}-{copy}", region, country, pair[0], int(float(carbon)), sep="\t", file=out)
            factor = 1 if copy == 0 else 0.85 + number(pair, copy) % 1000 / 2000
            for index, row in enumerate(pools(found[pair], performance, copy)):
                print("pool", f"{index}-" + pool(row, performance, factor)[0], *pool(row, performance, factor)[1:],
                      sep="\t", file=out)
            for row in network(pair):
                print(*row, sep="\t", file=out)
    return [name(*pair) for pair in known]


def write_jobs(data, homes, file):
    lines = []
    for source in ("jobs_philly_2017", "jobs_alibaba_gpu_2023"):
        for index, row in enumerate(rows(data / f"{source}.csv.gz")):
            if index % JOBS_STRIDE or not row["duration_s"] or float(row["duration_s"]) < 1:
                continue
            devices = -int(-float(row["gpus"] or 0) // 1)
            each, nodes = (devices, 1) if devices <= 8 else (8, devices // 8)
            cpus = int(float(row["cpus"])) if row["cpus"] else 4 * each
            mib = int(float(row["memory_gib"]) * 1024) if row["memory_gib"] else 24 * 1024 * each
            models = [model for kind in row["gpu_type"].split("|") for model in MODELS.get(kind, [])]
            data_gb = min(100, 5 * devices or cpus)
            home = homes[number(row["tenant"] or index % 40) % len(homes)]
            least = 16 if not row["cpus"] else 0
            lines.append([max(1, cpus), mib, each, "|".join(models) or "-", least, nodes,
                          int(float(row["duration_s"])), home, data_gb * 10**9, data_gb * 10**8])
    # Both clusters' jobs come mixed.
    lines = [line for _, line in sorted((number(index), line) for index, line in enumerate(lines))]
    with open(file, "w") as out:
        for line in lines:
            print(*line, sep="\t", file=out)


def write(data, folder):
    """Writes both files into `folder` unless they are there; returns it."""
    folder = pathlib.Path(folder)
    done = folder / "done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_jobs(data, write_sites(data, folder / "sites.txt"), folder / "jobs.txt")
        done.touch()
    return folder
