// The router's decisions.
#include <algorithm>

#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {

static_assert(same_length<ReasonCode>(schema::ReasonCode::DISTRUSTED));
static_assert(same_length<Outcome>(schema::Outcome::UNROUTABLE));

void write(schema::CostBreakdown::Builder to, const CostBreakdown& from) {
  to.setCompute(from.compute.micros);
  to.setDataIn(from.data_in.micros);
  to.setDataOut(from.data_out.micros);
  to.setFixed(from.fixed.micros);
  to.setContractPaid(from.contract_paid.micros);
  to.setTotal(from.total.micros);
}
void read(schema::CostBreakdown::Reader from, CostBreakdown& to) {
  to.compute = read_money("cost.compute", from.getCompute());
  to.data_in = read_money("cost.data_in", from.getDataIn());
  to.data_out = read_money("cost.data_out", from.getDataOut());
  to.fixed = read_money("cost.fixed", from.getFixed());
  to.contract_paid = read_money("cost.contract_paid", from.getContractPaid());
  to.total = read_money("cost.total", from.getTotal());
}

void write(schema::FinishEstimate::Builder to, const FinishEstimate& from) {
  to.setWaitSeconds(from.wait_seconds);
  to.setStageInSeconds(from.stage_in_seconds);
  to.setRunSeconds(from.run_seconds);
  to.setStageOutSeconds(from.stage_out_seconds);
  to.setTotalSeconds(from.total_seconds);
}
void read(schema::FinishEstimate::Reader from, FinishEstimate& to) {
  to.wait_seconds = from.getWaitSeconds();
  to.stage_in_seconds = from.getStageInSeconds();
  to.run_seconds = from.getRunSeconds();
  to.stage_out_seconds = from.getStageOutSeconds();
  to.total_seconds = from.getTotalSeconds();
}

void write(schema::Candidate::Builder to, const Candidate& from) {
  put_text(to, &schema::Candidate::Builder::setSite, from.site.value);
  put_text(to, &schema::Candidate::Builder::setPool, from.pool.value);
  to.setVariant(from.variant);
  to.setPreemptible(from.preemptible);
  to.setNodes(from.nodes);
  to.setUnits(from.units);
  to.setRate(from.rate.micros);
  to.setBilledSeconds(from.billed_seconds);
  write(to.initCost(), from.cost);
  write(to.initFinish(), from.finish);
  put_numbers(to, &schema::Candidate::Builder::initReplicas, from.replicas);
  put_text(to, &schema::Candidate::Builder::setContract, from.contract.value);
  to.setContractUnits(from.contract_units);
  put_numbers(to, &schema::Candidate::Builder::initHeld, from.held);
}
void read(schema::Candidate::Reader from, Candidate& to) {
  to.site = SiteId{read_name("candidate.site", from.getSite())};
  to.pool = PoolId{read_name("candidate.pool", from.getPool())};
  to.variant = from.getVariant();
  check_at_most("candidate.variant", to.variant, limits::variants_max - 1);
  to.preemptible = from.getPreemptible();
  to.nodes = from.getNodes();
  to.units = from.getUnits();
  to.rate = {not_negative("candidate.rate", from.getRate())};
  to.billed_seconds = from.getBilledSeconds();
  read(from.getCost(), to.cost);
  read(from.getFinish(), to.finish);
  read_numbers("candidate.replicas", from.getReplicas(), limits::inputs_max, to.replicas);
  to.contract = ContractId{read_name_or_none("candidate.contract", from.getContract())};
  to.contract_units = from.getContractUnits();
  if (to.contract.value.empty() != (to.contract_units == 0) ||
      to.contract_units > std::uint64_t{to.nodes} * to.units) {
    broken("candidate.contract_units", "does not fit the contract and the units");
  }
  read_numbers("candidate.held", from.getHeld(), limits::inputs_max, to.held);
  if (std::ranges::adjacent_find(to.held, std::ranges::greater_equal{}) != to.held.end()) {
    broken("candidate.held", "has inputs that do not rise");
  }
}

void write(schema::Rejection::Builder to, const Rejection& from) {
  put_text(to, &schema::Rejection::Builder::setSite, from.site.value);
  put_text(to, &schema::Rejection::Builder::setPool, from.pool.value);
  to.setVariant(from.variant);
  to.setReason(static_cast<schema::ReasonCode>(from.reason));
  to.setWanted(from.wanted);
  to.setOffered(from.offered);
  put_text(to, &schema::Rejection::Builder::setDetail, from.detail);
}
void read(schema::Rejection::Reader from, Rejection& to) {
  to.site = SiteId{read_name_or_none("rejection.site", from.getSite())};
  to.pool = PoolId{read_name_or_none("rejection.pool", from.getPool())};
  to.variant = from.getVariant();
  check_at_most("rejection.variant", to.variant, limits::variants_max - 1);
  to.reason = read_enum<ReasonCode>("rejection.reason", from.getReason());
  to.wanted = from.getWanted();
  to.offered = from.getOffered();
  to.detail = read_document_text("rejection.detail", from.getDetail());
}

void write(schema::ReliedOn::Builder to, const ReliedOn& from) {
  put_text(to, &schema::ReliedOn::Builder::setSite, from.site.value);
  write(to.initSiteVersion(), from.site_version);
  write(to.initQuoteVersion(), from.quote_version);
  to.setQuoteValidUntil(micros_of(from.quote_valid_until));
}
void read(schema::ReliedOn::Reader from, ReliedOn& to) {
  to.site = SiteId{read_name_or_none("relied_on.site", from.getSite())};
  read(from.getSiteVersion(), to.site_version);
  read(from.getQuoteVersion(), to.quote_version);
  to.quote_valid_until = read_time("relied_on.quote_valid_until", from.getQuoteValidUntil());
}

void write(schema::QuoteTerms::Builder to, const QuoteTerms& from) {
  put_text(to, &schema::QuoteTerms::Builder::setId, from.id);
  to.setTotal(from.total.micros);
  put_text(to, &schema::QuoteTerms::Builder::setPool, from.pool.value);
  to.setPrice(from.price_ppm);
  write(to.initReliedOn(), from.relied_on);
}
void read(schema::QuoteTerms::Reader from, QuoteTerms& to) {
  to.id = read_name("quote.id", from.getId());
  to.total = read_money("quote.total", from.getTotal());
  to.pool = PoolId{read_name("quote.pool", from.getPool())};
  to.price_ppm = not_negative("quote.price_ppm", from.getPrice());
  read(from.getReliedOn(), to.relied_on);
}
void write(schema::ClearedWith::Builder to, const ClearedWith& from) {
  to.setJobs(from.jobs);
  to.setMargin(from.margin);
}
void read(schema::ClearedWith::Reader from, ClearedWith& to) {
  to.jobs = from.getJobs();
  if (to.jobs == 0) broken("clearing.jobs", "must be at least 1");
  to.margin = not_negative("clearing.margin", from.getMargin());
}

void write(schema::Decision::Builder to, const Decision& from) {
  to.setOutcome(static_cast<schema::Outcome>(from.outcome));
  to.setDecidedAt(micros_of(from.decided_at));
  if (from.chosen) write(to.initChosen(), *from.chosen);
  if (from.relied_on != ReliedOn{}) write(to.initReliedOn(), from.relied_on);
  put_list(to, &schema::Decision::Builder::initRunnersUp, from.runners_up);
  put_list(to, &schema::Decision::Builder::initRejections, from.rejections);
  to.setPoolsConsidered(from.pools_considered);
  to.setPoolsAdequate(from.pools_adequate);
  to.setTolerance(from.tolerance_ppm);
  to.setSpareUnits(from.spare_units);
  to.setRatesVersion(from.rates_version);
  if (from.clearing) write(to.initClearing(), *from.clearing);
  put_texts(to, &schema::Decision::Builder::initExcluded, from.excluded);
}
void read(schema::Decision::Reader from, Decision& to) {
  to.outcome = read_enum<Outcome>("decision.outcome", from.getOutcome());
  to.decided_at = read_time("decision.decided_at", from.getDecidedAt());
  if (from.hasChosen()) read(from.getChosen(), to.chosen.emplace());
  if (to.chosen.has_value() != (to.outcome == Outcome::placed)) {
    broken("decision.chosen", "must be there if and only if the outcome is placed");
  }
  read(from.getReliedOn(), to.relied_on);
  read_list("decision.runners_up", from.getRunnersUp(), limits::runners_up_max, to.runners_up);
  read_list("decision.rejections", from.getRejections(), limits::rejections_max, to.rejections);
  to.pools_considered = from.getPoolsConsidered();
  to.pools_adequate = from.getPoolsAdequate();
  to.tolerance_ppm = not_negative("decision.tolerance_ppm", from.getTolerance());
  to.spare_units = from.getSpareUnits();
  to.rates_version = from.getRatesVersion();
  read_sites("decision.excluded", from.getExcluded(), to.excluded);
  if (from.hasClearing()) {
    read(from.getClearing(), to.clearing.emplace());
    if (to.outcome != Outcome::placed) {
      broken("decision.clearing", "must be there only if the outcome is placed");
    }
  }
}

}  // namespace codec

Bytes encode(const Decision& decision) {
  return codec::encode_message<schema::Decision>(decision);
}

Result<Decision> decode_decision(BytesView bytes) {
  return codec::decode_value<schema::Decision, Decision>("decision", bytes,
                                                         limits::entry_bytes_max);
}

}  // namespace tradewind
