#include "broker/audit/decision_text.h"

namespace tradewind {
namespace {

void write_version(JsonText& out, std::string_view name, const RecordVersion& version) {
  out.open(name);
  out.add("epoch", version.epoch);
  out.add("version", version.version);
  out.close();
}

void write_relied_on(JsonText& out, std::string_view name, const ReliedOn& relied_on) {
  out.open(name);
  out.add("site", relied_on.site.value);
  write_version(out, "site_record", relied_on.site_version);
  write_version(out, "quote_sheet", relied_on.quote_version);
  out.add("quote_valid_until", relied_on.quote_valid_until);
  out.close();
}

void write_members(JsonText& out, const Candidate& candidate) {
  out.add("site", candidate.site.value);
  out.add("pool", candidate.pool.value);
  out.add("variant", candidate.variant);
  out.add("preemptible", candidate.preemptible);
  out.add("nodes", candidate.nodes);
  out.add("units_per_node", candidate.units);
  out.add("rate_per_hour", candidate.rate);
  out.add("billed_seconds", candidate.billed_seconds);
  out.open("cost");
  out.add("compute", candidate.cost.compute);
  out.add("data_in", candidate.cost.data_in);
  out.add("data_out", candidate.cost.data_out);
  out.add("fixed", candidate.cost.fixed);
  out.add("contract_paid", candidate.cost.contract_paid);
  out.add("total", candidate.cost.total);
  out.close();
  out.open("finish");
  out.add("wait_seconds", candidate.finish.wait_seconds);
  out.add("stage_in_seconds", candidate.finish.stage_in_seconds);
  out.add("run_seconds", candidate.finish.run_seconds);
  out.add("stage_out_seconds", candidate.finish.stage_out_seconds);
  out.add("total_seconds", candidate.finish.total_seconds);
  out.close();
  out.open_list("replicas");
  for (const std::uint32_t each : candidate.replicas) out.element(each);
  out.close_list();
  if (!candidate.held.empty()) {
    out.open_list("held");
    for (const std::uint32_t each : candidate.held) out.element(each);
    out.close_list();
  }
  if (candidate.contract_units > 0 || !candidate.contract.value.empty()) {
    out.open("contract");
    out.add("id", candidate.contract.value);
    out.add("units", candidate.contract_units);
    out.close();
  }
}

}  // namespace

void write(JsonText& out, std::string_view name, const Decision& decision) {
  out.open(name);
  out.add("outcome", to_string(decision.outcome));
  out.add("decided_at", decision.decided_at);
  if (decision.chosen) {
    out.open("chosen");
    write_members(out, *decision.chosen);
    out.close();
    write_relied_on(out, "relied_on", decision.relied_on);
  }
  out.open_list("runners_up");
  for (const Candidate& each : decision.runners_up) {
    out.open();
    write_members(out, each);
    out.close();
  }
  out.close_list();
  out.open_list("rejections");
  for (const Rejection& each : decision.rejections) {
    out.open();
    out.add("site", each.site.value);
    out.add("pool", each.pool.value);
    out.add("variant", each.variant);
    out.add("reason", to_string(each.reason));
    out.add("wanted", each.wanted);
    out.add("offered", each.offered);
    out.close();
  }
  out.close_list();
  out.add("pools_considered", decision.pools_considered);
  out.add("pools_adequate", decision.pools_adequate);
  out.add("tolerance_ppm", decision.tolerance_ppm);
  out.add("spare_units", decision.spare_units);
  out.add("rates_version", decision.rates_version);
  if (decision.clearing) {
    out.open("clearing");
    out.add("jobs", decision.clearing->jobs);
    out.add("margin", decision.clearing->margin);
    out.close();
  }
  out.open_list("excluded");
  for (const SiteId& each : decision.excluded) out.element(each.value);
  out.close_list();
  out.close();
}

void write(JsonText& out, std::string_view name, const QuoteTerms& quote) {
  out.open(name);
  out.add("id", quote.id);
  out.add("total", quote.total);
  out.add("pool", quote.pool.value);
  out.add("price_ppm", quote.price_ppm);
  write_relied_on(out, "relied_on", quote.relied_on);
  out.close();
}

}  // namespace tradewind
