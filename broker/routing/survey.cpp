#include "broker/routing/survey.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/routing/choice.h"
#include "broker/routing/contract.h"
#include "broker/routing/cost.h"
#include "broker/routing/finish.h"

namespace tradewind {
namespace {

// What is asked once for a whole site, and only when one of its pools comes so far.
template <class T>
class Once {
 public:
  template <class Make>
  const T& get(Make make) {
    if (!value_) value_.emplace(make());
    return *value_;
  }

 private:
  std::optional<T> value_;
};

// What the job asks, the same for all pools.
struct Question {
  const RouteRequest& request;
  const MarketView& view;
  const RouteOptions& options;
  const JobData& data;
  Wall::time_point now;
  std::uint32_t nodes;
  Place client;  // for the latency bound
};

class SiteSurvey {
 public:
  SiteSurvey(const Question& question, const SiteView& site, Survey& survey)
      : question_(question), site_(site), survey_(survey) {}

  void consider(const Pool& pool, std::uint32_t pool_index) {
    const JobSpec& spec = question_.request.spec;
    const std::uint32_t units_node = units_per_node(pool);
    std::optional<Draft> best;
    PoolMiss furthest{&site_, &pool, static_cast<std::uint32_t>(survey_.misses.size()), 0, {}};

    for (std::uint32_t index = 0; index < spec.variants.size(); ++index) {
      Draft draft;
      draft.site = &site_;
      draft.pool = &pool;
      draft.pool_index = pool_index;
      draft.variant = index;
      const auto take = [&](const Miss& miss) {
        if (!miss) {
          if (!best || better(draft, *best, question_.request.tie_key)) best = draft;
          return;
        }
        survey_.passing = survey_.passing || is_passing(miss.reason);
        if (predicate_place(miss.reason) > predicate_place(furthest.miss.reason)) {
          furthest.variant = index;
          furthest.miss = miss;
        }
      };

      if (const Miss miss = shape_miss(spec, spec.variants[index], pool, units_node)) {
        take(miss);
        continue;
      }
      const std::optional<std::uint64_t> run = run_seconds(spec, spec.variants[index], pool);
      if (const Miss miss = standing_miss(pool, run)) {
        take(miss);
        continue;
      }
      // The shape fits, so the units can be counted.
      draft.units = *units_for(spec.resources, pool.unit);
      if (!pool.tariff.preemptible_only) take(price(draft, *run, units_node));
      if (spec.constraints.preemptible_allowed && pool.tariff.preemptible_ppm > 0) {
        draft.preemptible = true;
        take(price(draft, *run, units_node));
      }
    }
    if (best) {
      survey_.drafts.push_back(std::move(*best));
    } else {
      survey_.misses.push_back(furthest);
    }
  }

 private:
  // The predicates after the shape that no quote changes.
  Miss standing_miss(const Pool& pool, std::optional<std::uint64_t> run) {
    const RouteRequest& request = question_.request;
    const Constraints& constraints = request.spec.constraints;
    const Miss& place = place_.get([&] { return place_miss(request.spec, site_.record); });
    if (place) return place;
    if (const Miss miss = label_miss(constraints, site_.record, pool)) return miss;
    if (const Miss miss = policy_miss(request.spec, request.tenant, site_.record.policy, run)) {
      return miss;
    }
    if (const Miss miss = workload_miss(run)) return miss;
    if (const Miss miss = preemptible_miss(constraints, pool.tariff)) return miss;
    if (const Miss miss = carbon_miss(constraints, site_.record)) return miss;
    return latency_.get([&] { return latency_miss(constraints, site_.record, question_.client); });
  }

  // The predicates from the rate on, for one way of running; fills in the draft as far as it comes.
  Miss price(Draft& draft, std::uint64_t run, std::uint32_t units_node) {
    const RouteRequest& request = question_.request;
    const Constraints& constraints = request.spec.constraints;
    const Pool& pool = *draft.pool;
    const std::optional<std::int64_t> conversion =
        conversion_ppm(question_.options.rates, pool.tariff.currency);
    const PoolQuote* quote = find_quote(pool.id);

    ContractShare share;
    if (quote && !site_.record.contracts.empty()) {
      share = contract_share(site_, pool.id, request.tenant, question_.view, question_.now);
    }
    if (draft.preemptible) share = share.without_own();
    const std::uint64_t needed = std::uint64_t{question_.nodes} * draft.units;
    const Covered covered{std::min(needed, share.units_own), needed};
    draft.contract = share.contract;
    draft.contract_units = static_cast<std::uint32_t>(covered.units);

    // Without a conversion or a quote there is no rate to hold against the cap; those predicates
    // come later in the order and speak for themselves.
    if (conversion && quote) {
      const auto rate = job_rate(pool, question_.nodes, draft.units, price_ppm(*quote),
                                 draft.preemptible, *conversion);
      if (const Miss miss = rate_miss(constraints, rate_due(rate, covered))) return miss;
      draft.rate = *rate;
    }
    if (!conversion) return {ReasonCode::currency, 0, 0};
    if (const Miss miss = state_miss(site_)) return miss;
    if (const Miss miss =
            excluded_.get([&] { return excluded_miss(request.excluded, site_.record.site); })) {
      return miss;
    }
    if (const Miss miss = trust_miss(site_.trust)) return miss;
    if (quote == nullptr) return {ReasonCode::quote_missing, 0, 0};
    const std::uint64_t rerun =
        draft.preemptible ? rerun_seconds(run, pool.tariff.interruptions_ppm_hour) : 0;
    if (const Miss miss =
            energy_miss(site_.sheet->energy_left_wh,
                        energy_wh(pool.unit_watts, question_.nodes, draft.units, run + rerun))) {
      return miss;
    }
    const Debited debited{question_.view.debited_units(site_.record.site, pool.id),
                          question_.view.debited_nodes(site_.record.site, pool.id)};
    if (const Miss miss =
            capacity_miss(pool, *quote, question_.nodes, draft.units, units_node, debited,
                          question_.options.spare_units, {share.units_own, share.units_others})) {
      return miss;
    }
    draft.units_free =
        quote->units_free - std::min(quote->units_free, debited.units) + share.units_own;
    if (const Miss miss = wait_miss(constraints, quote->wait_seconds)) return miss;

    const std::optional<Transfer>& transfer =
        transfer_.get([&] { return question_.data.at(site_.record); });
    if (!transfer) {
      const auto input = unreachable_input(request.spec, site_.record);
      return {ReasonCode::transfer_unknown, std::int64_t{input.value_or(0)} + 1, 0};
    }
    draft.finish = finish_estimate(quote->wait_seconds, transfer->stage_in_seconds, run + rerun,
                                   transfer->stage_out_seconds);
    if (const Miss miss =
            deadline_miss(request.spec, run, draft.finish.total_seconds, question_.now)) {
      return miss;
    }
    draft.billed_seconds = billed_seconds(run + rerun, pool.tariff);
    const std::optional<CostBreakdown> cost = job_cost(
        draft.rate, draft.billed_seconds, pool.tariff.fixed_fee, *conversion, *transfer, covered);
    if (const Miss miss = budget_miss(constraints, cost)) return miss;
    draft.cost = *cost;
    draft.value = objective_value(request.spec, draft);
    return {};
  }

  std::int64_t price_ppm(const PoolQuote& newest) const {
    const QuoteTerms* const quote = question_.request.quote;
    if (quote == nullptr) return newest.price_ppm;
    return held_price_ppm(*quote, site_, newest, question_.now).value_or(newest.price_ppm);
  }

  // Null when the site is bound by no quote for the pool now.
  const PoolQuote* find_quote(const PoolId& pool) {
    const bool valid = sheet_valid_.get(
        [&] { return site_.sheet && question_.view.sheet_valid(site_, question_.now); });
    if (!valid) return nullptr;
    const auto at = std::ranges::find(site_.sheet->pools, pool, &PoolQuote::pool);
    return at == site_.sheet->pools.end() ? nullptr : &*at;
  }

  const Question& question_;
  const SiteView& site_;
  Survey& survey_;
  Once<Miss> place_;
  Once<Miss> latency_;
  Once<Miss> excluded_;
  Once<bool> sheet_valid_;
  Once<std::optional<Transfer>> transfer_;
};

}  // namespace

Survey survey(const RouteRequest& request, const MarketView& view, const RouteOptions& options,
              const JobData& data, Wall::time_point now) {
  const Constraints& constraints = request.spec.constraints;
  const std::string& client =
      constraints.latency_region.empty() ? request.spec.home_region : constraints.latency_region;
  const Question question{
      request,
      view,
      options,
      data,
      now,
      nodes_wanted(request.spec),
      constraints.latency_ms_max == 0 ? Place{} : place_of_region(client, view)};
  Survey result;
  for (const auto& [id, site] : view.sites()) {
    SiteSurvey asked(question, site, result);
    for (std::uint32_t index = 0; index < site.record.pools.size(); ++index) {
      asked.consider(site.record.pools[index], index);
    }
  }
  return result;
}

}  // namespace tradewind
