#include "tests/unit/routing/twin.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace tradewind::twin {
namespace {

using Number = std::int64_t;

Number up(Number numerator, Number denominator) {
  __extension__ using Wide = __int128;
  return static_cast<Number>((Wide{numerator} + denominator - 1) / denominator);
}

Number share(Number value, Number ppm) {
  __extension__ using Wide = __int128;
  return static_cast<Number>((Wide{value} * ppm + 999'999) / 1'000'000);
}

bool in(const std::vector<std::string>& list, const std::string& text) {
  return std::count(list.begin(), list.end(), text) > 0;
}
bool barred(const std::vector<std::string>& allowed, const std::vector<std::string>& denied,
            const std::string& text) {
  return in(denied, text) || (!allowed.empty() && !in(allowed, text));
}

struct End {
  std::string site, region, jurisdiction;
  const SiteRecord* record = nullptr;
};

End end_of(const MarketView& view, const std::string& site, std::string region,
           const std::string& home) {
  if (site.empty() && region.empty()) region = home;
  for (const auto& [id, each] : view.sites()) {
    if (!site.empty() && id.value == site) {
      return {site, each.record.region.value, each.record.jurisdiction.value, &each.record};
    }
  }
  End end{site, region, "", nullptr};
  for (const auto& [id, each] : view.sites()) {
    if (!region.empty() && each.record.region.value == region && end.jurisdiction.empty()) {
      end.jurisdiction = each.record.jurisdiction.value;
    }
  }
  return end;
}

NetworkTariff row(const SiteRecord* record, const End& other) {
  NetworkTariff nothing;
  if (record == nullptr) return nothing;
  std::vector<std::string> keys;
  if (!other.site.empty()) keys.push_back("site:" + other.site);
  if (!other.region.empty()) keys.push_back("region:" + other.region);
  if (!other.jurisdiction.empty()) keys.push_back("jurisdiction:" + other.jurisdiction);
  keys.emplace_back("default");
  for (const std::string& key : keys) {
    for (const NetworkTariff& each : record->network) {
      if (each.peer == key) return each;
    }
  }
  return nothing;
}

struct Way {
  Number price = 0;
  Number mbit = 8'000;
  Number rtt = 0;
  Number milliseconds(std::uint64_t bytes) const {
    return up(static_cast<Number>(bytes) * 8, mbit * 1'000) + rtt;
  }
  Number cost(std::uint64_t bytes) const {
    __extension__ using Wide = __int128;
    return static_cast<Number>((Wide{price} * static_cast<Number>(bytes) + 999'999'999) /
                               1'000'000'000);
  }
};

// The measured round trip in ms, 0 when there is none.
Number measured(const SiteRecord* record, const End& other) {
  if (record == nullptr) return 0;
  for (const RoundTrip& each : record->round_trips) {
    if (each.region.value != other.region) continue;
    return (Number{round_trip_of(each.code).count()} + 999) / 1'000;
  }
  return 0;
}

Way way(const End& from, const End& to) {
  if (from.record != nullptr && from.record == to.record) return {};
  const NetworkTariff out = row(from.record, to);
  const NetworkTariff arriving = row(to.record, from);
  Way result;
  result.price = out.egress.micros + arriving.ingress.micros;
  result.mbit = static_cast<Number>(arriving.bandwidth_mbit);
  if (result.mbit == 0) result.mbit = static_cast<Number>(out.bandwidth_mbit);
  if (result.mbit == 0) result.mbit = 100;
  for (const Number each : {measured(to.record, from), measured(from.record, to),
                            Number{arriving.rtt_ms}, Number{out.rtt_ms}}) {
    if (result.rtt == 0) result.rtt = each;
  }
  return result;
}

// Where a reason stands in the order of the predicates.
int place(ReasonCode reason) {
  if (reason == ReasonCode::contract_capacity)
    return 10 * static_cast<int>(ReasonCode::capacity) + 5;
  if (reason == ReasonCode::distrusted) return 10 * static_cast<int>(ReasonCode::excluded) + 5;
  return 10 * static_cast<int>(reason);
}

// Everything about one way of running the job.
struct Verdict {
  Candidate candidate;
  Number free = 0;
  Number value = 0;
  std::size_t pool_index = 0;
  Rejection rejection;
};

class Judge {
 public:
  Judge(const sample::Market& market, const JobSpec& spec, Wall::time_point now)
      : market_(market), spec_(spec), now_(now) {}

  Verdict judge(const SiteView& site, std::size_t pool_index, std::uint32_t variant,
                bool preemptible) {
    Verdict verdict;
    const Pool& pool = site.record.pools[pool_index];
    verdict.pool_index = pool_index;
    verdict.rejection.site = verdict.candidate.site = site.record.site;
    verdict.rejection.pool = verdict.candidate.pool = pool.id;
    verdict.rejection.variant = verdict.candidate.variant = variant;
    verdict.candidate.preemptible = preemptible;
    fill(verdict, site, pool, spec_.variants[variant]);
    return verdict;
  }

 private:
  void fill(Verdict& verdict, const SiteView& view, const Pool& pool, const Variant& variant) {
    const SiteRecord& site = view.record;
    const Constraints& c = spec_.constraints;
    const Resources& need = spec_.resources;
    const Number per_node = units_per_node(pool);
    const auto no = [&verdict](ReasonCode reason, Number wanted = 0, Number offered = 0) {
      verdict.rejection.reason = reason;
      verdict.rejection.wanted = wanted;
      verdict.rejection.offered = offered;
    };

    if (std::count(variant.architectures.begin(), variant.architectures.end(), pool.architecture) ==
        0) {
      return no(ReasonCode::architecture);
    }
    const AcceleratorNeed& a = variant.accelerator;
    if (need.accelerators > 0 || !a.family.empty() || !a.models.empty() || a.memory_gib_min > 0 ||
        a.interconnect_min != Interconnect::none) {
      const Accelerator& has = pool.accelerator;
      if (has.family.empty()) return no(ReasonCode::accelerator_family);
      if (!a.family.empty() && a.family != has.family) return no(ReasonCode::accelerator_family);
      if (!a.models.empty() && !in(a.models, has.model)) return no(ReasonCode::accelerator_model);
      if (a.memory_gib_min > has.memory_gib) {
        return no(ReasonCode::accelerator_memory, a.memory_gib_min, has.memory_gib);
      }
      if (need.accelerators > per_node * pool.unit.accelerators) {
        return no(ReasonCode::accelerator_count, need.accelerators,
                  per_node * pool.unit.accelerators);
      }
      if (a.interconnect_min > has.interconnect) {
        return no(ReasonCode::interconnect, static_cast<Number>(a.interconnect_min),
                  static_cast<Number>(has.interconnect));
      }
    }
    if (need.cpus > per_node * pool.unit.cpus) {
      return no(ReasonCode::cpus, need.cpus, per_node * pool.unit.cpus);
    }
    const Number memory = per_node * static_cast<Number>(pool.unit.memory_mib);
    const Number disk = per_node * static_cast<Number>(pool.unit.disk_mib);
    const auto memory_need = static_cast<Number>(need.memory_mib);
    const auto disk_need = static_cast<Number>(need.disk_mib);
    if (memory_need > memory) return no(ReasonCode::memory, memory_need, memory);
    if (disk_need > disk) return no(ReasonCode::disk, disk_need, disk);
    const Number nodes = std::max<Number>(1, spec_.nodes);
    if (nodes > pool.nodes) return no(ReasonCode::nodes, nodes, pool.nodes);

    if (barred(c.sites_allowed, c.sites_denied, site.site.value)) {
      return no(ReasonCode::site_denied);
    }
    if (barred(c.regions_allowed, c.regions_denied, site.region.value)) {
      return no(ReasonCode::region_denied);
    }
    if (barred(c.jurisdictions_allowed, c.jurisdictions_denied, site.jurisdiction.value)) {
      return no(ReasonCode::jurisdiction_denied);
    }
    if (barred(c.providers_allowed, c.providers_denied, site.provider)) {
      return no(ReasonCode::provider_denied);
    }
    for (const Input& input : spec_.inputs) {
      if (!input.residency.empty() &&
          std::count(input.residency.begin(), input.residency.end(), site.jurisdiction) == 0) {
        return no(ReasonCode::data_residency);
      }
    }
    for (const auto& [key, value] : c.labels) {
      const bool on_pool = pool.labels.count(key) > 0 && pool.labels.at(key) == value;
      const bool on_site = site.labels.count(key) > 0 && site.labels.at(key) == value;
      if (!on_pool && !on_site) return no(ReasonCode::label);
    }
    for (const auto* labels : {&pool.labels, &site.labels}) {
      for (const auto& [key, value] : *labels) {
        const auto denied = c.labels_denied.find(key);
        if (denied != c.labels_denied.end() && denied->second == value) {
          return no(ReasonCode::label);
        }
      }
    }
    const auto& allowed = site.policy.tenants_allowed;
    const auto& denied = site.policy.tenants_denied;
    if (std::count(denied.begin(), denied.end(), market_.tenant) > 0 ||
        (!allowed.empty() && std::count(allowed.begin(), allowed.end(), market_.tenant) == 0)) {
      return no(ReasonCode::site_policy);
    }

    Number run = -1;
    if (variant.duration_seconds > 0) {
      run = static_cast<Number>(variant.duration_seconds);
    } else if (variant.work_seconds > 0) {
      if (pool.performance_ppm.count(variant.workload_class) > 0) {
        run = up(static_cast<Number>(variant.work_seconds) * 1'000'000,
                 pool.performance_ppm.at(variant.workload_class));
      }
    } else {
      run = 3'600;
      if (spec_.run_seconds_max > 0) {
        run = std::min<Number>(run, static_cast<Number>(spec_.run_seconds_max));
      }
    }
    const Number longest = std::max<Number>(run, static_cast<Number>(spec_.run_seconds_max));
    if (longest > site.policy.run_seconds_max) {
      return no(ReasonCode::site_policy, longest, site.policy.run_seconds_max);
    }
    if (run < 0) return no(ReasonCode::workload_class);
    if (pool.tariff.preemptible_only && !verdict.candidate.preemptible) {
      return no(ReasonCode::preemptible_only);
    }
    if (c.carbon_g_kwh_max > 0 &&
        (site.carbon_g_kwh == 0 || site.carbon_g_kwh > c.carbon_g_kwh_max)) {
      return no(ReasonCode::carbon, c.carbon_g_kwh_max, site.carbon_g_kwh);
    }
    if (c.latency_ms_max > 0) {
      const std::string region = c.latency_region.empty() ? spec_.home_region : c.latency_region;
      const End client = end_of(market_.view, "", region, "");
      Number rtt = measured(&site, client);
      if (rtt == 0) rtt = row(&site, client).rtt_ms;
      if (rtt == 0 || rtt > c.latency_ms_max) return no(ReasonCode::latency, c.latency_ms_max, rtt);
    }

    const PoolQuote* quote = nullptr;
    const auto holds = [this](const RecordHeader& header) {
      return header.issued <= now_ + std::chrono::seconds(5) && now_ < header.valid_until;
    };
    if (view.sheet && holds(view.record_header) && holds(view.sheet_header) &&
        view.member_state == MemberState::active) {
      for (const PoolQuote& each : view.sheet->pools) {
        if (each.pool == pool.id && quote == nullptr) quote = &each;
      }
    }
    Number conversion = 0;
    if (pool.tariff.currency == market_.options.rates.accounting_currency) conversion = 1'000'000;
    if (market_.options.rates.rates_ppm.count(pool.tariff.currency) > 0) {
      conversion = market_.options.rates.rates_ppm.at(pool.tariff.currency);
    }
    Number units = 1;
    const auto count = [&units](Number wanted, Number each) {
      if (wanted > 0) units = std::max(units, up(wanted, each));
    };
    count(need.cpus, pool.unit.cpus);
    count(memory_need, static_cast<Number>(pool.unit.memory_mib));
    count(disk_need, static_cast<Number>(pool.unit.disk_mib));
    count(need.accelerators, pool.unit.accelerators);
    // Which contract is the job's, and what it and the others leave idle.
    Number own = 0;
    Number held = 0;
    std::string own_id;
    for (const Contract& each : site.contracts) {
      if (each.pool != pool.id || now_ < each.valid_from || now_ >= each.valid_until) {
        continue;
      }
      if (!view.sheet) continue;
      for (const ContractQuote& told : view.sheet->contracts) {
        if (told.contract != each.id) continue;
        Number idle = told.units_idle;
        idle -= market_.view.debited_contract_units(site.site, each.id);
        idle = std::max<Number>(0, idle);
        held += idle;
        if (each.tenant == market_.tenant && !verdict.candidate.preemptible && idle > own) {
          own = idle;
          own_id = each.id.value;
        }
      }
    }
    held -= own;
    const Number covered = std::min(own, nodes * units);
    const auto paid = [&](Number amount) {
      __extension__ using Wide = __int128;
      return static_cast<Number>(Wide{amount} * covered / (nodes * units));
    };
    Number rate = 0;
    if (quote != nullptr && conversion > 0) {
      const Number unit =
          pool.tariff.cpu_hour.micros * pool.unit.cpus +
          up(pool.tariff.gib_hour.micros * static_cast<Number>(pool.unit.memory_mib), 1'024) +
          pool.tariff.accelerator_hour.micros * pool.unit.accelerators;
      rate = nodes * (pool.tariff.node_hour.micros + units * unit);
      rate = share(rate, quote->price_ppm);
      if (verdict.candidate.preemptible) rate = share(rate, pool.tariff.preemptible_ppm);
      rate = share(rate, conversion);
      if (c.rate_max && rate - paid(rate) > c.rate_max->micros) {
        return no(ReasonCode::rate_cap, c.rate_max->micros, rate - paid(rate));
      }
    }
    if (conversion == 0) return no(ReasonCode::currency);
    if (site.state != SiteState::active || view.member_state != MemberState::active) {
      return no(ReasonCode::site_state);
    }
    if (std::count(market_.excluded.begin(), market_.excluded.end(), site.site) > 0) {
      return no(ReasonCode::excluded);
    }
    if (view.trust.state == TrustState::distrusted || view.trust.state == TrustState::tried) {
      return no(ReasonCode::distrusted, 250'000, view.trust.ppm);
    }
    if (quote == nullptr) return no(ReasonCode::quote_missing);
    Number expected = run;
    if (verdict.candidate.preemptible) {
      __extension__ using Wide = __int128;
      const Wide extra = Wide{run} * run * pool.tariff.interruptions_ppm_hour;
      expected += static_cast<Number>((extra + 7'199'999'999) / 7'200'000'000);
    }
    const Number energy =
        std::max<Number>(1, up(nodes * units * pool.unit_watts * expected, 3'600));
    const Number energy_left = view.sheet->energy_left_wh;
    if (energy_left >= 0 && energy > energy_left) {
      return no(ReasonCode::energy_quota, energy, energy_left);
    }

    const Number debited_units = market_.view.debited_units(site.site, pool.id);
    const Number debited_nodes = market_.view.debited_nodes(site.site, pool.id);
    if (nodes == 1 && units > quote->units_free_node) {
      return no(ReasonCode::capacity, units, quote->units_free_node);
    }
    const Number nodes_free = std::max<Number>(0, Number{quote->nodes_free} - debited_nodes);
    if (nodes > 1 && nodes > nodes_free) return no(ReasonCode::capacity, nodes, nodes_free);
    verdict.free = std::max<Number>(0, Number{quote->units_free} - debited_units) + own;
    Number wanted = nodes * units + market_.options.spare_units;
    wanted = std::min<Number>(wanted, pool.nodes * per_node);
    if (wanted > verdict.free && wanted <= verdict.free + held) {
      return no(ReasonCode::contract_capacity, wanted, verdict.free);
    }
    if (wanted > verdict.free) return no(ReasonCode::capacity, wanted, verdict.free);
    if (c.wait_seconds_max > 0 && quote->wait_seconds > c.wait_seconds_max) {
      return no(ReasonCode::wait, c.wait_seconds_max, quote->wait_seconds);
    }

    const End here{site.site.value, site.region.value, site.jurisdiction.value, &site};
    Number data_in = 0;
    Number in_milliseconds = 0;
    for (std::size_t number = 0; number < spec_.inputs.size(); ++number) {
      const Input& input = spec_.inputs[number];
      if (!input.content.empty()) {
        verdict.candidate.replicas.push_back(0);
        continue;
      }
      std::vector<std::tuple<Number, Number, std::uint32_t>> choices;
      for (std::uint32_t index = 0; index < input.replicas.size(); ++index) {
        const Replica& replica = input.replicas[index];
        Way path;
        if (replica.url.rfind("http", 0) == 0) {
          path = way(end_of(market_.view, replica.site, replica.region, spec_.home_region), here);
        } else if (replica.url.rfind("file:", 0) != 0) {
          continue;
        } else if (!replica.site.empty()
                       ? replica.site != here.site
                       : !replica.region.empty() && replica.region != here.region) {
          continue;
        }
        choices.emplace_back(path.cost(input.size_bytes), path.milliseconds(input.size_bytes),
                             index);
      }
      if (choices.empty()) {
        return no(ReasonCode::transfer_unknown, static_cast<Number>(number) + 1, 0);
      }
      auto [cost, milliseconds, index] = *std::min_element(choices.begin(), choices.end());
      if (std::ranges::count(here.record->holdings, input.holding) > 0) {
        verdict.candidate.held.push_back(static_cast<std::uint32_t>(number));
        cost = Way{}.cost(input.size_bytes);
        milliseconds = Way{}.milliseconds(input.size_bytes);
      }
      data_in += cost;
      in_milliseconds = std::max(in_milliseconds, milliseconds);
      verdict.candidate.replicas.push_back(index);
    }
    Number data_out = 0;
    Number out_milliseconds = 0;
    for (const Output& output : spec_.outputs) {
      if (output.url.rfind("http", 0) != 0) continue;
      const Way path = way(here, end_of(market_.view, "", output.region, spec_.home_region));
      data_out += path.cost(output.size_bytes);
      out_milliseconds = std::max(out_milliseconds, path.milliseconds(output.size_bytes));
    }

    if (spec_.run_seconds_max > 0 && run > static_cast<Number>(spec_.run_seconds_max)) {
      return no(ReasonCode::deadline, static_cast<Number>(spec_.run_seconds_max), run);
    }
    Candidate& candidate = verdict.candidate;
    candidate.finish.wait_seconds = quote->wait_seconds;
    candidate.finish.stage_in_seconds = static_cast<std::uint64_t>(up(in_milliseconds, 1'000));
    candidate.finish.run_seconds = static_cast<std::uint64_t>(expected);
    candidate.finish.stage_out_seconds = static_cast<std::uint64_t>(up(out_milliseconds, 1'000));
    candidate.finish.total_seconds =
        candidate.finish.wait_seconds + candidate.finish.stage_in_seconds +
        candidate.finish.run_seconds + candidate.finish.stage_out_seconds;
    const auto total = static_cast<Number>(candidate.finish.total_seconds);
    if (c.deadline) {
      // Ours are whole seconds apart.
      const Number left = (*c.deadline - now_).count() / 1'000'000;
      if (total > left) return no(ReasonCode::deadline, left, total);
    }
    const Number increment = pool.tariff.increment_seconds;
    const Number billed =
        up(std::max<Number>(expected, pool.tariff.minimum_seconds), increment) * increment;
    candidate.billed_seconds = static_cast<std::uint64_t>(billed);
    candidate.nodes = static_cast<std::uint32_t>(nodes);
    candidate.units = static_cast<std::uint32_t>(units);
    candidate.rate.micros = rate;
    candidate.cost.compute.micros = up(rate * billed, 3'600);
    candidate.cost.data_in.micros = data_in;
    candidate.cost.data_out.micros = data_out;
    candidate.cost.fixed.micros = share(pool.tariff.fixed_fee.micros, conversion);
    candidate.contract.value = own_id;
    candidate.contract_units = static_cast<std::uint32_t>(covered);
    candidate.cost.contract_paid.micros = paid(candidate.cost.compute.micros);
    const Number cost = candidate.cost.compute.micros + data_in + data_out +
                        candidate.cost.fixed.micros - candidate.cost.contract_paid.micros;
    candidate.cost.total.micros = cost;
    if (c.cost_max && cost > c.cost_max->micros) {
      return no(ReasonCode::budget, c.cost_max->micros, cost);
    }
    verdict.value = cost;
    if (spec_.objective == Objective::fastest) verdict.value = total;
    if (spec_.objective == Objective::balanced) {
      verdict.value = cost + up(spec_.value_per_hour.micros * total, 3'600);
    }
  }

  const sample::Market& market_;
  const JobSpec& spec_;
  const Wall::time_point now_;
};

std::uint64_t hash(const std::string& text) {
  std::uint64_t value = 14695981039346656037ULL;
  for (const char each : text) {
    value = (value ^ static_cast<unsigned char>(each)) * 1099511628211ULL;
  }
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9ULL;
  value ^= value >> 27;
  value *= 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

}  // namespace

Answer route(const sample::Market& market, const JobSpec& spec, Wall::time_point now) {
  Judge judge(market, spec, now);
  const auto hash_of = [&market](const Verdict& verdict) {
    const std::string zero(1, '\0');
    return hash(market.tie_key + zero + verdict.candidate.site.value + zero +
                verdict.candidate.pool.value);
  };
  const auto key = [&](const Verdict& verdict) {
    const Candidate& each = verdict.candidate;
    return std::tuple(verdict.value, each.cost.total.micros, each.finish.total_seconds,
                      -verdict.free, hash_of(verdict), each.site.value, each.pool.value,
                      verdict.pool_index, each.preemptible, each.variant);
  };
  const auto before = [&key](const Verdict& a, const Verdict& b) { return key(a) < key(b); };

  std::vector<Verdict> adequate;
  std::vector<Verdict> refused;
  bool passing = false;
  for (const auto& [id, site] : market.view.sites()) {
    for (std::size_t pool = 0; pool < site.record.pools.size(); ++pool) {
      std::vector<Verdict> good;
      std::vector<Verdict> bad;
      for (std::uint32_t variant = 0; variant < spec.variants.size(); ++variant) {
        const Tariff& tariff = site.record.pools[pool].tariff;
        const bool both = tariff.preemptible_ppm > 0 && spec.constraints.preemptible_allowed;
        for (int way = both && tariff.preemptible_only ? 1 : 0; way < (both ? 2 : 1); ++way) {
          Verdict verdict = judge.judge(site, pool, variant, way == 1);
          const ReasonCode reason = verdict.rejection.reason;
          passing = passing || (reason != ReasonCode::none && is_passing(reason));
          (reason == ReasonCode::none ? good : bad).push_back(std::move(verdict));
        }
      }
      if (!good.empty()) {
        adequate.push_back(*std::min_element(good.begin(), good.end(), before));
      } else {
        refused.push_back(
            *std::max_element(bad.begin(), bad.end(), [](const Verdict& a, const Verdict& b) {
              return place(a.rejection.reason) < place(b.rejection.reason);
            }));
      }
    }
  }

  Answer answer;
  std::sort(refused.begin(), refused.end(), [](const Verdict& a, const Verdict& b) {
    const auto order = [](const Verdict& each) {
      const Rejection& rejection = each.rejection;
      const Number distance = rejection.wanted - rejection.offered;
      return std::tuple(-place(rejection.reason), distance < 0 ? -distance : distance,
                        rejection.site.value, each.pool_index);
    };
    return order(a) < order(b);
  });
  for (Verdict& each : refused) answer.rejections.push_back(std::move(each.rejection));
  if (adequate.empty()) {
    answer.outcome = passing || refused.empty() ? Outcome::waiting : Outcome::unroutable;
    return answer;
  }

  answer.outcome = Outcome::placed;
  std::sort(adequate.begin(), adequate.end(), before);
  std::size_t chosen = 0;
  if (market.options.tolerance_ppm > 0) {
    __extension__ using Wide = __int128;
    const Wide least = adequate[0].value;
    for (std::size_t index = 1; index < adequate.size(); ++index) {
      const Wide value = adequate[index].value;
      const bool near = (value - least) * 1'000'000 <= least * market.options.tolerance_ppm;
      if (near && hash_of(adequate[index]) < hash_of(adequate[chosen])) chosen = index;
    }
  }
  std::rotate(adequate.begin(), adequate.begin() + static_cast<std::ptrdiff_t>(chosen),
              adequate.begin() + static_cast<std::ptrdiff_t>(chosen) + 1);
  for (Verdict& each : adequate) answer.candidates.push_back(std::move(each.candidate));
  return answer;
}

}  // namespace tradewind::twin
