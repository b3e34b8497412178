// The worked example of docs/routing.md: its sentences and its table are made here from the market
// and the job and from what routing comes to, and must stand in the page as they come out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "broker/routing/adequacy.h"
#include "broker/routing/cost.h"
#include "broker/routing/finish.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

using sample::job;
using sample::Market;
using sample::pool;
using sample::site;

// 1234567 -> "1,234,567"
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}
std::string grouped(std::int64_t number) {
  return grouped(static_cast<std::uint64_t>(number));
}

// 1250000 -> "1.25": of a factor in ppm or an amount in micro-units.
std::string decimal(std::int64_t millionths) {
  return to_decimal(millionths);
}

// The page with every run of spaces and line ends as one space, for sentences; and its lines.
struct Page {
  std::string flowing;
  std::vector<std::string> lines;
};

Page read_page() {
  std::ifstream file(TRADEWIND_DOCS_DIRECTORY "/routing.md");
  Page page;
  for (std::string line; std::getline(file, line);) {
    page.lines.push_back(line);
    for (const char c : line + " ") {
      if (c != ' ' || (!page.flowing.empty() && page.flowing.back() != ' ')) page.flowing += c;
    }
  }
  return page;
}

class WorkedExample : public ::testing::Test {
 protected:
  WorkedExample() {
    Pool gpu = pool("gpu", 0, 8);
    gpu.architecture = Architecture::arm64;
    gpu.accelerator = Accelerator{"cuda", "a100", 80, Interconnect::nvlink};
    gpu.node = Resources{64, 512 * 1024, 0, 4};
    gpu.unit = Resources{16, 128 * 1024, 0, 1};
    gpu.unit_watts = 400;
    gpu.performance_ppm = {{"default", 1'000'000}, {"train", 1'250'000}};
    gpu.tariff.currency = "EUR";
    gpu.tariff.node_hour = MoneyPerHour{50'000};
    gpu.tariff.cpu_hour = MoneyPerHour{20'000};
    gpu.tariff.gib_hour = MoneyPerHour{2'500};
    gpu.tariff.accelerator_hour = MoneyPerHour{900'000};
    gpu.tariff.increment_seconds = 60;
    gpu.tariff.minimum_seconds = 600;
    gpu.tariff.fixed_fee = Money{10'000};
    gpu.tariff.preemptible_ppm = 400'000;
    gpu.tariff.interruptions_ppm_hour = 100'000;
    alps_ = site("ch-alps-1", {gpu});
    alps_.network = {
        NetworkTariff{"region:pt-sea", MoneyPerGigabyte{8'000}, MoneyPerGigabyte{1'000}, 400, 45}};
    sea_ = site("pt-sea-1", {});
    sea_.network = {NetworkTariff{"default", MoneyPerGigabyte{20'000}, {}, 1'000, 0}};
    sheet_ = sample::sheet(alps_);
    sheet_.pools[0].price_ppm = 1'250'000;
    rates_ = {{"EUR", 1'080'000}};

    spec_ = job();
    spec_.resources = Resources{24, 200 * 1024, 0, 2};
    spec_.nodes = 2;
    spec_.variants[0].accelerator.family = "cuda";
    spec_.variants[0].duration_seconds = 0;
    spec_.variants[0].work_seconds = 10'000;
    spec_.variants[0].workload_class = "train";
    spec_.inputs.resize(1);
    spec_.inputs[0].name = "images";
    spec_.inputs[0].size_bytes = 25'000'000'000;
    spec_.inputs[0].replicas = {Replica{"https://sea.example/images", "pt-sea-1", "pt-sea"}};
    spec_.outputs.resize(1);
    spec_.outputs[0].url = "https://sea.example/model";
    spec_.outputs[0].size_bytes = 2'000'000'000;
    spec_.outputs[0].region = "pt-sea";
  }

  Decision decide(bool preemptible, std::int64_t energy_left_wh = -1) const {
    Market market;
    QuoteSheet sheet = sheet_;
    sheet.energy_left_wh = energy_left_wh;
    market.add(alps_, sheet);
    market.add(sea_);
    market.options.rates.rates_ppm = rates_;
    JobSpec spec = spec_;
    spec.constraints.preemptible_allowed = preemptible;
    return market.route(spec);
  }

  SiteRecord alps_;
  SiteRecord sea_;
  QuoteSheet sheet_;
  std::map<std::string, std::int64_t> rates_;
  JobSpec spec_;
};

TEST_F(WorkedExample, TheSentencesNameTheFiguresThatTheTestUses) {
  const Pool& gpu = alps_.pools[0];
  const Tariff& tariff = gpu.tariff;
  const Resources& need = spec_.resources;
  const NetworkTariff& row = alps_.network[0];
  const std::string sentences[] = {
      fmt::format("A job on {} nodes, each {} CPUs, {} GiB and {} `{}` accelerators, {} s of work "
                  "of class `{}`.",
                  spec_.nodes, need.cpus, need.memory_mib / 1024, need.accelerators,
                  spec_.variants[0].accelerator.family, grouped(spec_.variants[0].work_seconds),
                  spec_.variants[0].workload_class),
      fmt::format("Its input of {} GB lies at the site `{}`; its output of {} GB goes to the "
                  "region `{}`.",
                  spec_.inputs[0].size_bytes / 1'000'000'000, spec_.inputs[0].replicas[0].site,
                  spec_.outputs[0].size_bytes / 1'000'000'000, spec_.outputs[0].region),
      fmt::format("The pool at `{}`: unit {} CPUs, {} GiB, {} accelerator, {} W; performance {} "
                  "for `train`;",
                  alps_.site.value, gpu.unit.cpus, gpu.unit.memory_mib / 1024,
                  gpu.unit.accelerators, gpu.unit_watts, decimal(gpu.performance_ppm.at("train"))),
      fmt::format("in {} an hour {} a node, {} a CPU, {} a GiB, {} an accelerator; fee {}; billed "
                  "by {} s, at least {} s;",
                  tariff.currency, decimal(tariff.node_hour.micros),
                  decimal(tariff.cpu_hour.micros), decimal(tariff.gib_hour.micros),
                  decimal(tariff.accelerator_hour.micros), decimal(tariff.fixed_fee.micros),
                  tariff.increment_seconds, tariff.minimum_seconds),
      fmt::format("preemptible at {} of the price with {} interruptions an hour; quoted at {} "
                  "times the tariff; 1 EUR = {} USD.",
                  decimal(tariff.preemptible_ppm), decimal(tariff.interruptions_ppm_hour),
                  decimal(sheet_.pools[0].price_ppm), decimal(rates_.at("EUR"))),
      fmt::format("`{}` charges {} USD/GB leaving; `{}` {} arriving from and {} leaving towards "
                  "`pt-sea`, at {} Mbit/s and {} ms.",
                  sea_.site.value, decimal(sea_.network[0].egress.micros), alps_.site.value,
                  decimal(row.ingress.micros), decimal(row.egress.micros), row.bandwidth_mbit,
                  row.rtt_ms),
  };
  const Page page = read_page();
  for (const std::string& each : sentences) {
    EXPECT_NE(page.flowing.find(each), std::string::npos) << each;
  }
}

TEST_F(WorkedExample, TheTableHoldsWhatRoutingComesTo) {
  const Pool& gpu = alps_.pools[0];
  const Tariff& tariff = gpu.tariff;
  const Resources& need = spec_.resources;
  const std::uint64_t work = spec_.variants[0].work_seconds;
  const std::int64_t price_ppm = sheet_.pools[0].price_ppm;
  const std::int64_t rate_ppm = rates_.at("EUR");
  const Decision here = decide(false);
  const Decision there = decide(true);
  ASSERT_TRUE(here.chosen && there.chosen);
  EXPECT_FALSE(here.chosen->preemptible);
  EXPECT_TRUE(there.chosen->preemptible);
  EXPECT_EQ(here.relied_on.site, alps_.site);
  EXPECT_EQ(here.relied_on.site_version, (RecordVersion{1, 3}));
  EXPECT_EQ(here.relied_on.quote_version, (RecordVersion{1, 7}));

  const std::uint32_t units = here.chosen->units;
  const std::int64_t unit = unit_price(gpu).micros;
  const std::uint64_t run = *run_seconds(spec_, spec_.variants[0], gpu);
  const std::uint64_t gigabytes_in = spec_.inputs[0].size_bytes / 1'000'000'000;
  const std::uint64_t gigabytes_out = spec_.outputs[0].size_bytes / 1'000'000'000;
  const std::int64_t base = job_rate(gpu, spec_.nodes, units, ppm_one, false, ppm_one)->micros;

  std::vector<std::string> table = {"| step | on demand | preemptible |", "| --- | --- | --- |"};
  const auto add = [&](const std::string& step, auto cell) {
    table.push_back(fmt::format("| {} | {} | {} |", step, cell(*here.chosen), cell(*there.chosen)));
  };
  const auto seconds = [](std::uint64_t value) { return grouped(value) + " s"; };
  add(fmt::format("units = max(ceil({}/{}), ceil({}/{}), ceil({}/{}))", need.cpus, gpu.unit.cpus,
                  need.memory_mib / 1024, gpu.unit.memory_mib / 1024, need.accelerators,
                  gpu.unit.accelerators),
      [](const Candidate& each) { return std::to_string(each.units); });
  add(fmt::format("unit price = {} * {} + {} * {} + {}", gpu.unit.cpus,
                  grouped(tariff.cpu_hour.micros), gpu.unit.memory_mib / 1024,
                  grouped(tariff.gib_hour.micros), grouped(tariff.accelerator_hour.micros)),
      [&](const Candidate&) { return grouped(unit); });
  add(fmt::format("{} * ({} + {} * {})", spec_.nodes, grouped(tariff.node_hour.micros), units,
                  grouped(unit)),
      [&](const Candidate&) { return grouped(base); });
  add(fmt::format("rate = that * {} (quote) * {} (preemptible) * {} (EUR)", decimal(price_ppm),
                  decimal(tariff.preemptible_ppm), decimal(rate_ppm)),
      [](const Candidate& each) { return grouped(each.rate.micros); });
  add(fmt::format("run = {} / {}", grouped(work), decimal(gpu.performance_ppm.at("train"))),
      [&](const Candidate&) { return seconds(run); });
  add(fmt::format("rerun = {}^2 * {} / 7,200", grouped(run),
                  decimal(tariff.interruptions_ppm_hour)),
      [&](const Candidate& each) { return seconds(each.finish.run_seconds - run); });
  add(fmt::format("billed = run + rerun, at least {} s, in steps of {} s", tariff.minimum_seconds,
                  tariff.increment_seconds),
      [&](const Candidate& each) { return seconds(each.billed_seconds); });
  add("compute = rate * billed / 3,600",
      [](const Candidate& each) { return grouped(each.cost.compute.micros); });
  add(fmt::format("data in = {} * ({} + {})", gigabytes_in, grouped(sea_.network[0].egress.micros),
                  grouped(alps_.network[0].ingress.micros)),
      [](const Candidate& each) { return grouped(each.cost.data_in.micros); });
  add(fmt::format("data out = {} * {}", gigabytes_out, grouped(alps_.network[0].egress.micros)),
      [](const Candidate& each) { return grouped(each.cost.data_out.micros); });
  add(fmt::format("fixed = {} * {}", grouped(tariff.fixed_fee.micros), decimal(rate_ppm)),
      [](const Candidate& each) { return grouped(each.cost.fixed.micros); });
  add("**total**", [](const Candidate& each) {
    return fmt::format("**{}** ({} USD)", grouped(each.cost.total.micros),
                       decimal(each.cost.total.micros));
  });
  add(fmt::format("stage in = {} GB at {} Mbit/s + {} ms", gigabytes_in,
                  alps_.network[0].bandwidth_mbit, alps_.network[0].rtt_ms),
      [&](const Candidate& each) { return seconds(each.finish.stage_in_seconds); });
  add(fmt::format("stage out = {} GB at {} Mbit/s + {} ms", gigabytes_out,
                  alps_.network[0].bandwidth_mbit, alps_.network[0].rtt_ms),
      [&](const Candidate& each) { return seconds(each.finish.stage_out_seconds); });
  add("finish = stage in + run + rerun + stage out",
      [&](const Candidate& each) { return seconds(each.finish.total_seconds); });
  add(fmt::format("energy = {} * {} * {} W * (run + rerun)", spec_.nodes, units, gpu.unit_watts),
      [&](const Candidate& each) {
        const std::uint64_t energy =
            energy_wh(gpu.unit_watts, spec_.nodes, units, each.finish.run_seconds);
        return grouped(energy) + " Wh";
      });

  const Page page = read_page();
  const auto first = std::ranges::find(page.lines, table.front());
  ASSERT_NE(first, page.lines.end()) << fmt::format("{}", fmt::join(table, "\n"));
  std::vector<std::string> written;
  for (auto line = first; line != page.lines.end() && !line->empty(); ++line) {
    written.push_back(*line);
  }
  EXPECT_EQ(written, table) << "docs/routing.md should say:\n"
                            << fmt::format("{}", fmt::join(table, "\n"));

  // The energy of the table is what the quota is held against.
  const std::uint64_t energy = energy_wh(gpu.unit_watts, spec_.nodes, units, run);
  EXPECT_EQ(decide(false, static_cast<std::int64_t>(energy)).outcome, Outcome::placed);
  EXPECT_EQ(decide(false, static_cast<std::int64_t>(energy) - 1).outcome, Outcome::waiting);
}

}  // namespace
}  // namespace tradewind
