#include "broker/api/decision_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/api/budget_json.h"
#include "broker/api/job_json.h"

namespace tradewind {
namespace {

std::string variant_name(const JobSpec& spec, std::uint32_t index) {
  return index < spec.variants.size() ? spec.variants[index].name : std::to_string(index);
}

json::object version_to_json(const RecordVersion& version) {
  return {{"epoch", version.epoch}, {"version", version.version}};
}

json::object finish_to_json(const FinishEstimate& finish) {
  return {{"wait_seconds", finish.wait_seconds},
          {"stage_in_seconds", finish.stage_in_seconds},
          {"run_seconds", finish.run_seconds},
          {"stage_out_seconds", finish.stage_out_seconds},
          {"total_seconds", finish.total_seconds}};
}

std::string compare(const Candidate& other, const Candidate& chosen, std::string_view currency) {
  const std::int64_t dearer = other.cost.total.micros - chosen.cost.total.micros;
  const auto later = static_cast<std::int64_t>(other.finish.total_seconds) -
                     static_cast<std::int64_t>(chosen.finish.total_seconds);
  std::string text;
  if (dearer > 0) text = fmt::format("{} {} dearer", to_decimal(dearer), currency);
  if (dearer < 0) text = fmt::format("{} {} cheaper", to_decimal(-dearer), currency);
  if (dearer == 0) text = "costs the same";
  if (later > 0) text += fmt::format(", would finish {} s later", later);
  if (later < 0) text += fmt::format(", would finish {} s sooner", -later);
  if (later == 0) text += ", would finish at the same time";
  return text;
}

json::object rejection_to_json(const Rejection& rejection, const JobSpec& spec) {
  json::object each{{"site", rejection.site.value},
                    {"pool", rejection.pool.value},
                    {"variant", variant_name(spec, rejection.variant)},
                    {"reason", to_string(rejection.reason)},
                    {"passing", is_passing(rejection.reason)},
                    {"detail", rejection.detail}};
  if (rejection.wanted != 0 || rejection.offered != 0) {
    each["wanted"] = rejection.wanted;
    each["offered"] = rejection.offered;
  }
  return each;
}

}  // namespace

json::object cost_to_json(const CostBreakdown& cost) {
  return {{"compute", to_decimal(cost.compute.micros)},
          {"data_in", to_decimal(cost.data_in.micros)},
          {"data_out", to_decimal(cost.data_out.micros)},
          {"fixed", to_decimal(cost.fixed.micros)},
          {"contract_paid", to_decimal(cost.contract_paid.micros)},
          {"total", to_decimal(cost.total.micros)}};
}

json::object candidate_to_json(const Candidate& candidate, const JobSpec& spec) {
  json::array replicas;
  for (std::size_t i = 0; i < candidate.replicas.size() && i < spec.inputs.size(); ++i) {
    const Input& input = spec.inputs[i];
    const std::uint32_t index = candidate.replicas[i];
    if (!input.content.empty() || index >= input.replicas.size()) continue;
    json::object replica{{"path", input.path}, {"url", input.replicas[index].url}};
    if (!input.replicas[index].site.empty()) replica["site"] = input.replicas[index].site;
    if (!input.replicas[index].region.empty()) replica["region"] = input.replicas[index].region;
    if (std::ranges::binary_search(candidate.held, static_cast<std::uint32_t>(i))) {
      replica["held"] = true;
    }
    replicas.push_back(std::move(replica));
  }
  json::object out{{"site", candidate.site.value},
                   {"pool", candidate.pool.value},
                   {"variant", variant_name(spec, candidate.variant)},
                   {"preemptible", candidate.preemptible},
                   {"nodes", candidate.nodes},
                   {"units_per_node", candidate.units},
                   {"rate_per_hour", to_decimal(candidate.rate.micros)},
                   {"billed_seconds", candidate.billed_seconds},
                   {"cost", cost_to_json(candidate.cost)},
                   {"finish", finish_to_json(candidate.finish)},
                   {"replicas", std::move(replicas)}};
  if (candidate.contract_units > 0) {
    out["contract"] =
        json::object{{"id", candidate.contract.value}, {"units", candidate.contract_units}};
  }
  return out;
}

std::string explain(const Rejection& rejection) {
  const std::string code(to_string(rejection.reason));
  return rejection.site.value + "/" + rejection.pool.value + ": " +
         (rejection.detail.empty() ? code : rejection.detail + " (" + code + ")");
}

namespace {

// How far the choice lies above what the job could have had alone.
std::string explain(const ClearedWith& clearing, Objective objective, std::string_view currency) {
  const std::string amount = fmt::format("{} {} above", to_decimal(clearing.margin), currency);
  std::string text = "the best of all pools";
  if (clearing.margin > 0) {
    switch (objective) {
      case Objective::cheapest: text = amount + " the cheapest"; break;
      case Objective::fastest: text = fmt::format("{} s after the fastest", clearing.margin); break;
      case Objective::balanced: text = amount + " the best balance of cost and time"; break;
    }
  }
  return fmt::format("{}, as part of a clearing of {} jobs", text, clearing.jobs);
}

}  // namespace

std::string explain(const Decision& decision, const JobSpec& spec, std::string_view currency) {
  if (decision.outcome == Outcome::placed && decision.chosen) {
    const Candidate& chosen = *decision.chosen;
    std::string best = fmt::format("best of {} adequate pools, {} considered",
                                   decision.pools_adequate, decision.pools_considered);
    if (!is_surveyed(decision)) best = "the best of all pools; a quote lists the others";
    if (decision.clearing) best = explain(*decision.clearing, spec.objective, currency);
    const std::string held =
        chosen.held.empty()
            ? std::string()
            : fmt::format("; the site has {} of its inputs already", chosen.held.size());
    return fmt::format("{} at {} {}: {}{}", chosen.site.value, to_decimal(chosen.cost.total.micros),
                       currency, best, held);
  }
  std::string text = decision.outcome == Outcome::waiting
                         ? "nothing adequate is free now"
                         : "nothing that is offered could ever run it";
  text += fmt::format(", {} pools considered", decision.pools_considered);
  for (std::size_t i = 0; i < decision.rejections.size() && i < 3; ++i) {
    text += (i == 0 ? "; nearest: " : "; ") + explain(decision.rejections[i]);
  }
  return text;
}

std::string explain(const WaitingDecision& waiting, const JobSpec& spec,
                    std::string_view currency) {
  if (!waiting.budget) return explain(waiting.decision, spec, currency);
  const Candidate& chosen = *waiting.decision.chosen;
  return chosen.site.value + "/" + chosen.pool.value + " would take it, but " +
         explain(*waiting.budget, currency);
}

json::object waiting_to_json(const WaitingDecision& waiting, const JobSpec& spec,
                             std::string_view currency) {
  json::object out = decision_to_json(waiting.decision, spec, currency);
  if (!waiting.budget) return out;
  out["summary"] = explain(waiting, spec, currency);
  out["reason"] = "tenant_budget";
  out["budget"] = budget_miss_to_json(*waiting.budget);
  return out;
}

json::object decision_to_json(const Decision& decision, const JobSpec& spec,
                              std::string_view currency) {
  json::object out{{"outcome", to_string(decision.outcome)},
                   {"summary", explain(decision, spec, currency)},
                   {"decided_at", to_rfc3339(decision.decided_at)},
                   {"currency", currency}};
  if (decision.chosen) {
    out["chosen"] = candidate_to_json(*decision.chosen, spec);
    out["relied_on"] =
        json::object{{"site", decision.relied_on.site.value},
                     {"site_record", version_to_json(decision.relied_on.site_version)},
                     {"quote_sheet", version_to_json(decision.relied_on.quote_version)},
                     {"quote_valid_until", to_rfc3339(decision.relied_on.quote_valid_until)}};
  }
  json::array runners_up;
  for (const Candidate& each : decision.runners_up) {
    json::object candidate = candidate_to_json(each, spec);
    if (decision.chosen) candidate["why_not"] = compare(each, *decision.chosen, currency);
    runners_up.push_back(std::move(candidate));
  }
  out["runners_up"] = std::move(runners_up);
  json::array rejections;
  for (const Rejection& each : decision.rejections) {
    rejections.push_back(rejection_to_json(each, spec));
  }
  out["rejections"] = std::move(rejections);
  out["surveyed"] = is_surveyed(decision);
  out["pools_considered"] = decision.pools_considered;
  out["pools_adequate"] = decision.pools_adequate;
  out["tolerance_ppm"] = decision.tolerance_ppm;
  out["spare_units"] = decision.spare_units;
  out["rates_version"] = decision.rates_version;
  if (!decision.excluded.empty()) out["excluded"] = ids_to_json(decision.excluded);
  if (decision.clearing) {
    json::object clearing{{"jobs", decision.clearing->jobs}};
    if (spec.objective == Objective::fastest) {
      clearing["margin_seconds"] = decision.clearing->margin;
    } else {
      clearing["margin"] = to_decimal(decision.clearing->margin);
    }
    clearing["summary"] = explain(*decision.clearing, spec.objective, currency);
    out["clearing"] = std::move(clearing);
  }
  return out;
}

}  // namespace tradewind
