#include "broker/api/market_json.h"

#include <algorithm>

#include "schemas/site.h"

namespace tradewind {
namespace {

json::object labels_to_json(const std::map<std::string, std::string>& labels) {
  json::object out;
  for (const auto& [key, value] : labels) out[key] = value;
  return out;
}

json::object shape_to_json(const Resources& resources) {
  return {{"cpus", resources.cpus},
          {"memory_mib", resources.memory_mib},
          {"disk_mib", resources.disk_mib},
          {"accelerators", resources.accelerators}};
}

json::value accelerator_to_json(const Accelerator& accelerator) {
  if (accelerator.family.empty()) return nullptr;
  return json::object{{"family", accelerator.family},
                      {"model", accelerator.model},
                      {"memory_gib", accelerator.memory_gib},
                      {"interconnect", json::string(to_string(accelerator.interconnect))}};
}

json::object pool_to_json(const Pool& pool) {
  json::object performance;
  for (const auto& [name, ppm] : pool.performance_ppm) performance[name] = ppm;
  const Tariff& tariff = pool.tariff;
  return {{"id", pool.id.value},
          {"architecture", json::string(to_string(pool.architecture))},
          {"accelerator", accelerator_to_json(pool.accelerator)},
          {"nodes", pool.nodes},
          {"node", shape_to_json(pool.node)},
          {"unit", shape_to_json(pool.unit)},
          {"units_per_node", units_per_node(pool)},
          {"performance_ppm", std::move(performance)},
          {"labels", labels_to_json(pool.labels)},
          {"unit_watts", pool.unit_watts},
          {"tariff",
           {{"currency", tariff.currency},
            {"node_hour", to_decimal(tariff.node_hour.micros)},
            {"cpu_hour", to_decimal(tariff.cpu_hour.micros)},
            {"gib_hour", to_decimal(tariff.gib_hour.micros)},
            {"accelerator_hour", to_decimal(tariff.accelerator_hour.micros)},
            {"preemptible_ppm", tariff.preemptible_ppm},
            {"preemptible_only", tariff.preemptible_only},
            {"interruptions_ppm_hour", tariff.interruptions_ppm_hour},
            {"increment_seconds", tariff.increment_seconds},
            {"minimum_seconds", tariff.minimum_seconds},
            {"fixed_fee", to_decimal(tariff.fixed_fee.micros)}}}};
}

json::object quote_to_json(const PoolQuote& quote) {
  return {{"pool", quote.pool.value},
          {"units_free", quote.units_free},
          {"units_free_node", quote.units_free_node},
          {"nodes_free", quote.nodes_free},
          {"wait_seconds", quote.wait_seconds},
          {"price_ppm", quote.price_ppm}};
}

std::int64_t age_ms(Wall::time_point issued, Wall::time_point now) {
  return std::max<std::int64_t>(0, to_ms(now) - to_ms(issued));
}

json::object trust_to_json(const SiteTrust& trust) {
  json::object out{{"ppm", trust.ppm}, {"state", json::string(to_string(trust.state))}};
  if (trust.state == TrustState::distrusted) out["until"] = to_rfc3339(trust.until);
  return out;
}

bool sheet_is_valid(const SiteView& site, Wall::time_point now) {
  return site.member_state == MemberState::active && !site.quarantined && site.sheet.has_value() &&
         site.sheet_header.valid_until > now;
}

const PoolQuote* quote_of(const SiteView& site, const PoolId& pool) {
  if (!site.sheet) return nullptr;
  for (const PoolQuote& each : site.sheet->pools) {
    if (each.pool == pool) return &each;
  }
  return nullptr;
}

std::string scaled(MoneyPerHour price, std::int64_t ppm) {
  return to_decimal(scale_ceil(price, ppm).value_or(MoneyPerHour{INT64_MAX}).micros);
}

bool matches(const SiteView& site, const Pool& pool, const OfferFilter& filter) {
  if (!filter.site.empty() && site.record.site.value != filter.site) return false;
  if (!filter.region.empty() && site.record.region.value != filter.region) return false;
  if (!filter.architecture.empty() && to_string(pool.architecture) != filter.architecture) {
    return false;
  }
  if (filter.accelerator.empty()) return true;
  if (filter.accelerator == "none") return pool.accelerator.family.empty();
  return pool.accelerator.family == filter.accelerator ||
         pool.accelerator.model == filter.accelerator;
}

json::object offer_to_json(const SiteView& site, const Pool& pool, Wall::time_point now) {
  json::object out{{"site", site.record.site.value},
                   {"region", site.record.region.value},
                   {"jurisdiction", site.record.jurisdiction.value},
                   {"pool", pool.id.value},
                   {"architecture", json::string(to_string(pool.architecture))},
                   {"accelerator", accelerator_to_json(pool.accelerator)},
                   {"unit", shape_to_json(pool.unit)},
                   {"units", std::uint64_t{units_per_node(pool)} * pool.nodes},
                   {"currency", pool.tariff.currency},
                   {"site_state", json::string(to_string(site.record.state))},
                   {"trust", trust_to_json(site.trust)}};
  const PoolQuote* quote = quote_of(site, pool.id);
  out["quote_valid"] = quote != nullptr && sheet_is_valid(site, now);
  if (quote != nullptr) {
    out["unit_price_per_hour"] = scaled(unit_price(pool), quote->price_ppm);
    out["node_price_per_hour"] = scaled(pool.tariff.node_hour, quote->price_ppm);
    out["price_ppm"] = quote->price_ppm;
    out["units_free"] = quote->units_free;
    out["nodes_free"] = quote->nodes_free;
    out["wait_seconds"] = quote->wait_seconds;
    out["age_ms"] = age_ms(site.sheet_header.issued, now);
    out["valid_until"] = to_rfc3339(site.sheet_header.valid_until);
  }
  return out;
}

json::object contract_to_json(const Contract& contract, const std::optional<QuoteSheet>& sheet) {
  json::object out{{"id", contract.id.value},
                   {"tenant", contract.tenant.value},
                   {"pool", contract.pool.value},
                   {"units", contract.units},
                   {"valid_from", to_rfc3339(contract.valid_from)},
                   {"valid_until", to_rfc3339(contract.valid_until)}};
  if (!sheet) return out;
  for (const ContractQuote& each : sheet->contracts) {
    if (each.contract == contract.id) out["units_idle"] = each.units_idle;
  }
  return out;
}

}  // namespace

json::object site_to_json(const SiteView& site, Wall::time_point now, std::string_view currency,
                          bool with_policy) {
  const SiteRecord& record = site.record;
  json::array pools;
  for (const Pool& each : record.pools) pools.push_back(pool_to_json(each));
  json::array network;
  for (const NetworkTariff& each : record.network) {
    network.push_back(json::object{{"peer", each.peer},
                                   {"egress_per_gb", to_decimal(each.egress.micros)},
                                   {"ingress_per_gb", to_decimal(each.ingress.micros)},
                                   {"bandwidth_mbit", each.bandwidth_mbit},
                                   {"rtt_ms", each.rtt_ms}});
  }
  json::array bandwidths;
  for (const Bandwidth& each : record.bandwidths) {
    json::object row{{"region", each.region.value}, {"age_ms", age_ms(each.measured, now)}};
    if (each.in_mbit != 0) row["in_mbit"] = each.in_mbit;
    if (each.out_mbit != 0) row["out_mbit"] = each.out_mbit;
    bandwidths.push_back(std::move(row));
  }
  json::array round_trips;
  for (const RoundTrip& each : record.round_trips) {
    round_trips.push_back(json::object{{"region", each.region.value},
                                       {"rtt_us", round_trip_of(each.code).count()},
                                       {"age_ms", age_ms(site.record_header.issued, now)}});
  }
  json::object out{{"id", record.site.value},
                   {"region", record.region.value},
                   {"jurisdiction", record.jurisdiction.value},
                   {"provider", record.provider},
                   {"state", json::string(to_string(record.state))},
                   {"member_state", json::string(to_string(site.member_state))},
                   {"quarantined", site.quarantined},
                   {"trust", trust_to_json(site.trust)},
                   {"carbon_g_kwh", record.carbon_g_kwh},
                   {"run_seconds_max", record.policy.run_seconds_max},
                   {"accounting_currency", json::string(currency)},
                   {"labels", labels_to_json(record.labels)},
                   {"pools", std::move(pools)},
                   {"network", std::move(network)},
                   {"network_measured", std::move(round_trips)},
                   {"bandwidth_measured", std::move(bandwidths)}};
  out["record"] = json::object{{"epoch", site.record_header.version.epoch},
                               {"version", site.record_header.version.version},
                               {"issued_at", to_rfc3339(site.record_header.issued)},
                               {"age_ms", age_ms(site.record_header.issued, now)},
                               {"valid_until", to_rfc3339(site.record_header.valid_until)}};
  if (site.sheet) {
    json::array quotes;
    for (const PoolQuote& each : site.sheet->pools) quotes.push_back(quote_to_json(each));
    json::object sheet{{"valid", sheet_is_valid(site, now)},
                       {"epoch", site.sheet_header.version.epoch},
                       {"version", site.sheet_header.version.version},
                       {"issued_at", to_rfc3339(site.sheet_header.issued)},
                       {"age_ms", age_ms(site.sheet_header.issued, now)},
                       {"valid_until", to_rfc3339(site.sheet_header.valid_until)},
                       {"pools", std::move(quotes)}};
    if (site.sheet->energy_left_wh >= 0) sheet["energy_left_wh"] = site.sheet->energy_left_wh;
    out["quote_sheet"] = std::move(sheet);
  }
  if (with_policy) {
    const auto tenants = [](const std::vector<TenantId>& list) {
      json::array names;
      for (const TenantId& each : list) names.emplace_back(each.value);
      return names;
    };
    json::array contracts;
    for (const Contract& each : record.contracts) {
      contracts.push_back(contract_to_json(each, site.sheet));
    }
    out["contracts"] = std::move(contracts);
    out["policy"] = json::object{{"tenants_allowed", tenants(record.policy.tenants_allowed)},
                                 {"tenants_denied", tenants(record.policy.tenants_denied)}};
  }
  return out;
}

json::array offers_to_json(const MarketSnapshot& market, const OfferFilter& filter) {
  json::array rows;
  for (const SiteView& site : market.sites) {
    if (site.member_state != MemberState::active || site.quarantined) continue;
    for (const Pool& pool : site.record.pools) {
      if (matches(site, pool, filter)) rows.push_back(offer_to_json(site, pool, market.at));
    }
  }
  return rows;
}

json::object history_to_json(const MarketHistoryPage& page, std::chrono::seconds step) {
  json::array list;
  for (const MarketSeries& series : page.series) {
    json::array points;
    for (const MarketPoint& each : series.points) {
      points.push_back(json::object{{"at", to_rfc3339(each.at)},
                                    {"unit_price_per_hour", to_decimal(each.price.micros)},
                                    {"unit_price_low", to_decimal(each.price_low.micros)},
                                    {"unit_price_high", to_decimal(each.price_high.micros)},
                                    {"units_free", each.units_free},
                                    {"units_free_low", each.units_free_low}});
    }
    list.push_back(json::object{{"site", series.site.value},
                                {"pool", series.pool.value},
                                {"currency", series.currency},
                                {"points", std::move(points)}});
  }
  json::object out{
      {"at", to_rfc3339(page.at)}, {"step_seconds", step.count()}, {"series", std::move(list)}};
  if (page.more) {
    const MarketSeries& last = page.series.back();
    out["next_cursor"] = last.site.value + "/" + last.pool.value;
  }
  return out;
}

}  // namespace tradewind
