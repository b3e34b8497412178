#include "broker/api/quote_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/api/decision_json.h"
#include "broker/api/json_reader.h"

namespace tradewind {
namespace {

constexpr std::size_t kQuoteIdBytesMax = 64;

// Where the job document says what is relaxed.
std::string field_of(const Relaxation& relaxation) {
  const auto of_variant = [&](std::string_view member) {
    return fmt::format("variants[{}].{}", relaxation.variant, member);
  };
  switch (relaxation.constraint) {
    case ReasonCode::architecture: return of_variant("architectures");
    case ReasonCode::accelerator_model: return of_variant("accelerator.models");
    case ReasonCode::accelerator_memory: return of_variant("accelerator.memory_gib_min");
    case ReasonCode::interconnect: return of_variant("accelerator.interconnect_min");
    case ReasonCode::accelerator_count: return "resources.accelerators";
    case ReasonCode::cpus: return "resources.cpus";
    case ReasonCode::memory: return "resources.memory_mib";
    case ReasonCode::disk: return "resources.disk_mib";
    case ReasonCode::nodes: return "nodes";
    case ReasonCode::site_denied: return "constraints.sites_allowed";
    case ReasonCode::region_denied: return "constraints.regions_allowed";
    case ReasonCode::jurisdiction_denied: return "constraints.jurisdictions_allowed";
    case ReasonCode::provider_denied: return "constraints.providers_allowed";
    case ReasonCode::label: return "constraints.labels";
    case ReasonCode::preemptible_only: return "constraints.preemptible_allowed";
    case ReasonCode::carbon: return "constraints.carbon_g_kwh_max";
    case ReasonCode::latency: return "constraints.latency.ms_max";
    case ReasonCode::rate_cap: return "constraints.rate_max";
    case ReasonCode::wait: return "constraints.wait_seconds_max";
    case ReasonCode::deadline: return "constraints.deadline";
    case ReasonCode::budget: return "constraints.cost_max";
    default: return {};
  }
}

json::object relaxation_to_json(const Relaxation& relaxation, const JobSpec& spec, bool placed) {
  json::object out{{"constraint", to_string(relaxation.constraint)},
                   {"field", field_of(relaxation)}};
  if (relaxation.from != relaxation.to) {
    out["from"] = relaxation.from;
    out["to"] = relaxation.to;
  }
  if (!relaxation.value.empty()) out["value"] = relaxation.value;
  if (placed) {
    out["saving"] = to_decimal(relaxation.saving.micros);
    out["better_ppm"] = relaxation.better_ppm;
  }
  out["choice"] = candidate_to_json(relaxation.chosen, spec);
  out["summary"] = relaxation.detail;
  return out;
}

}  // namespace

Result<std::string> read_quote_id(const json::value& document) {
  std::string id;
  if (!document.is_object() || !document.as_object().contains("quote")) return id;
  Reading reading;
  ObjectReader in(reading, document, "");
  if (in.text("quote", id, kQuoteIdBytesMax) && id.empty()) {
    in.refuse("quote", "it is empty", "give the id of a quote");
  }
  if (!reading.error && document.as_object().size() > 1) {
    in.refuse("quote", "other members stand beside it",
              "leave them out: the job is the one that was quoted");
  }
  if (reading.error) return fail(*reading.error);
  return id;
}

json::object explanation_to_json(const Explanation& explanation, const JobSpec& spec,
                                 std::string_view currency) {
  json::object out = waiting_to_json({explanation.decision, explanation.budget}, spec, currency);
  std::vector<std::pair<ReasonCode, std::uint32_t>> reasons(explanation.reasons.begin(),
                                                            explanation.reasons.end());
  std::ranges::sort(reasons, {}, [](const auto& each) {
    return std::pair(-std::int64_t{each.second}, each.first);
  });
  json::array counts;
  for (const auto& [reason, pools] : reasons) {
    counts.push_back(json::object{
        {"reason", to_string(reason)}, {"pools", pools}, {"passing", is_passing(reason)}});
  }
  out["reasons"] = std::move(counts);
  json::array relaxations;
  const bool placed = explanation.decision.chosen.has_value();
  for (const Relaxation& each : explanation.relaxations.list) {
    relaxations.push_back(relaxation_to_json(each, spec, placed));
  }
  out["relaxations"] = std::move(relaxations);
  out["relaxations_complete"] = explanation.relaxations.complete;
  return out;
}

json::object terms_to_json(const QuoteTerms& terms) {
  return {{"id", terms.id},
          {"expires_at", to_rfc3339(terms.relied_on.quote_valid_until)},
          {"total", to_decimal(terms.total.micros)},
          {"site", terms.relied_on.site.value},
          {"pool", terms.pool.value}};
}

std::string explain(const QuoteNotKept& why, std::string_view currency) {
  const std::string pool = why.quote.relied_on.site.value + "/" + why.quote.pool.value;
  const bool known = why.reason.reason != ReasonCode::none;
  std::string text = fmt::format(
      "the quote {} over {} {} cannot be kept: {}, and nothing else is to be had for that",
      why.quote.id, to_decimal(why.quote.total.micros), currency,
      known ? explain(why.reason) : pool + " is not sold any more");
  return text + "; now: " + explain(why.now, *why.spec, currency);
}

}  // namespace tradewind
