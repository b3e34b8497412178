#include "broker/routing/relaxation.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>
#include <utility>

#include "broker/routing/adequacy.h"
#include "broker/routing/choice.h"
#include "broker/routing/explain.h"
#include "broker/routing/finish.h"
#include "broker/routing/limits.h"
#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

struct Lists {
  std::vector<std::string>& allowed;
  std::vector<std::string>& denied;
};

// Of the constraints on where it may run; nothing for others.
std::optional<Lists> lists_of(Constraints& of, ReasonCode constraint) {
  switch (constraint) {
    case ReasonCode::site_denied: return Lists{of.sites_allowed, of.sites_denied};
    case ReasonCode::region_denied: return Lists{of.regions_allowed, of.regions_denied};
    case ReasonCode::jurisdiction_denied:
      return Lists{of.jurisdictions_allowed, of.jurisdictions_denied};
    case ReasonCode::provider_denied: return Lists{of.providers_allowed, of.providers_denied};
    default: return std::nullopt;
  }
}

std::string place_of(const SiteRecord& site, ReasonCode constraint) {
  switch (constraint) {
    case ReasonCode::site_denied: return site.site.value;
    case ReasonCode::region_denied: return site.region.value;
    case ReasonCode::jurisdiction_denied: return site.jurisdiction.value;
    default: return site.provider;
  }
}

struct Range {
  std::int64_t from = 0;
  std::int64_t farthest = 0;
};

// What the constraint is now, and how far it could be moved; nothing when it binds nothing.
std::optional<Range> range_of(const JobSpec& spec, ReasonCode constraint, std::uint32_t variant,
                              Wall::time_point now) {
  const Constraints& asked = spec.constraints;
  const Resources& need = spec.resources;
  const AcceleratorNeed& devices = spec.variants[variant].accelerator;
  const auto raised = [](std::int64_t from, std::int64_t most) -> std::optional<Range> {
    if (from >= most) return std::nullopt;
    return Range{from, most};
  };
  const auto upper = [&raised](std::uint32_t bound, std::uint64_t most) -> std::optional<Range> {
    if (bound == 0) return std::nullopt;
    return raised(bound, static_cast<std::int64_t>(most));
  };
  const auto lower = [](std::uint64_t wanted, std::int64_t least) -> std::optional<Range> {
    const auto from = static_cast<std::int64_t>(std::min<std::uint64_t>(wanted, INT64_MAX));
    if (from <= least) return std::nullopt;
    return Range{from, least};
  };
  switch (constraint) {
    case ReasonCode::deadline:
      if (!asked.deadline) return std::nullopt;
      return raised(std::max<std::int64_t>(seconds_until(*asked.deadline, now), -1),
                    static_cast<std::int64_t>(limits::seconds_max));
    case ReasonCode::budget:
      if (!asked.cost_max) return std::nullopt;
      return raised(asked.cost_max->micros, INT64_MAX);
    case ReasonCode::rate_cap:
      if (!asked.rate_max) return std::nullopt;
      return raised(asked.rate_max->micros, INT64_MAX);
    case ReasonCode::latency: return upper(asked.latency_ms_max, limits::rtt_ms_max);
    case ReasonCode::carbon: return upper(asked.carbon_g_kwh_max, limits::carbon_g_kwh_max);
    case ReasonCode::wait: return upper(asked.wait_seconds_max, limits::seconds_max);
    // Down to 1 only: a variant that asks for devices goes on asking for them.
    case ReasonCode::accelerator_memory: return lower(devices.memory_gib_min, 1);
    case ReasonCode::interconnect:
      return lower(static_cast<std::uint64_t>(devices.interconnect_min), 1);
    case ReasonCode::accelerator_count: return lower(need.accelerators, 1);
    case ReasonCode::cpus: return lower(need.cpus, 1);
    case ReasonCode::memory: return lower(need.memory_mib, 1);
    case ReasonCode::disk: return lower(need.disk_mib, 0);
    case ReasonCode::nodes: return lower(spec.nodes, 1);
    default: return std::nullopt;
  }
}

// What the candidate needs of an upper bound; of bounds that are not in it nothing.
std::optional<std::int64_t> needed(const Candidate& candidate, ReasonCode constraint) {
  switch (constraint) {
    case ReasonCode::deadline: return static_cast<std::int64_t>(candidate.finish.total_seconds);
    case ReasonCode::budget: return candidate.cost.total.micros;
    case ReasonCode::rate_cap: return candidate.rate.micros;
    case ReasonCode::wait: return static_cast<std::int64_t>(candidate.finish.wait_seconds);
    default: return std::nullopt;
  }
}

class Search {
 public:
  Search(const RouteRequest& request, const MarketView& view, Chooser& chooser,
         Wall::time_point now)
      : request_(request), spec_(request.spec), view_(view), chooser_(chooser), now_(now) {}

  Relaxations run() {
    if (const auto chosen = choice(spec_)) {
      base_ = *chosen;
      base_value_ = value(*chosen);
    }
    for (const ReasonCode each : {ReasonCode::site_denied, ReasonCode::region_denied,
                                  ReasonCode::jurisdiction_denied, ReasonCode::provider_denied}) {
      place(each);
    }
    labels();
    if (!spec_.constraints.preemptible_allowed) {
      try_out(Relaxation{.constraint = ReasonCode::preemptible_only});
    }
    for (const ReasonCode each : {ReasonCode::carbon, ReasonCode::latency, ReasonCode::rate_cap,
                                  ReasonCode::wait, ReasonCode::deadline, ReasonCode::budget}) {
      bound(each, 0);
    }
    for (std::uint32_t index = 0; index < spec_.variants.size(); ++index) {
      architecture(index);
      model(index);
      bound(ReasonCode::accelerator_memory, index);
      bound(ReasonCode::interconnect, index);
    }
    if (!base_) {
      for (const ReasonCode each : {ReasonCode::accelerator_count, ReasonCode::cpus,
                                    ReasonCode::memory, ReasonCode::disk, ReasonCode::nodes}) {
        bound(each, 0);
      }
    }
    finish();
    return std::move(found_);
  }

 private:
  std::int64_t value(const Candidate& candidate) const {
    return objective_value(spec_, candidate.cost, candidate.finish);
  }

  // What routing makes of such a job; nothing when it places it nowhere, or too many were tried.
  std::optional<Candidate> choice(const JobSpec& spec) {
    if (choices_ == limits::relaxation_choices_max) {
      found_.complete = false;
      return std::nullopt;
    }
    ++choices_;
    auto decision = chooser_.choose(
        RouteRequest{spec, request_.tenant, request_.tie_key, request_.excluded}, now_);
    return decision ? std::move(decision->chosen) : std::nullopt;
  }

  // The same, where it is better than what the job has.
  std::optional<Candidate> better_choice(const JobSpec& spec) {
    auto chosen = choice(spec);
    if (chosen && base_ && value(*chosen) >= base_value_) chosen.reset();
    return chosen;
  }

  void keep(Relaxation relaxation, Candidate chosen) {
    relaxation.chosen = std::move(chosen);
    found_.list.push_back(std::move(relaxation));
  }

  bool try_out(Relaxation relaxation) {
    auto chosen = better_choice(relaxed(spec_, relaxation, now_));
    if (!chosen) return false;
    keep(std::move(relaxation), std::move(*chosen));
    return true;
  }

  // The best that can be had without the constraint tells which one place to allow more: allowing
  // that gives the same, and allowing another gives nothing better.
  void place(ReasonCode constraint) {
    JobSpec without = spec_;
    const std::optional<Lists> lists = lists_of(without.constraints, constraint);
    TRADEWIND_ASSERT(lists.has_value());
    if (lists->allowed.empty() && lists->denied.empty()) return;
    lists->allowed.clear();
    lists->denied.clear();
    const auto chosen = better_choice(without);
    if (!chosen) return;
    const SiteView* const site = view_.find(chosen->site);
    TRADEWIND_ASSERT(site != nullptr);
    Relaxation relaxation{.constraint = constraint, .value = place_of(site->record, constraint)};
    keep(std::move(relaxation), *chosen);
  }

  // Of the labels one at a time; the one that brings most.
  void labels() {
    if (spec_.constraints.labels.empty()) return;
    JobSpec without = spec_;
    without.constraints.labels.clear();
    if (!better_choice(without)) return;
    const std::size_t before = found_.list.size();
    for (const auto& [key, wanted] : spec_.constraints.labels) {
      try_out(Relaxation{.constraint = ReasonCode::label, .value = key});
    }
    const auto first = found_.list.begin() + static_cast<std::ptrdiff_t>(before);
    if (first == found_.list.end()) return;
    std::iter_swap(
        first, std::ranges::min_element(first, found_.list.end(), {}, [&](const Relaxation& each) {
          return value(each.chosen);
        }));
    found_.list.erase(first + 1, found_.list.end());
  }

  void architecture(std::uint32_t variant) {
    JobSpec without = spec_;
    auto& list = without.variants[variant].architectures;
    list.clear();
    for (std::uint16_t each = 0; each < architectures_count; ++each) {
      list.push_back(static_cast<Architecture>(each));
    }
    const auto chosen = better_choice(without);
    if (!chosen) return;
    const std::string name(to_string(pool_of(*chosen).architecture));
    keep(Relaxation{.constraint = ReasonCode::architecture, .variant = variant, .value = name},
         *chosen);
  }

  void model(std::uint32_t variant) {
    if (spec_.variants[variant].accelerator.models.empty()) return;
    JobSpec without = spec_;
    without.variants[variant].accelerator.models.clear();
    // A variant that asks for nothing but the model would then ask for no device at all.
    if (!wants_accelerator(without, without.variants[variant])) return;
    const auto chosen = better_choice(without);
    if (!chosen) return;
    keep(Relaxation{.constraint = ReasonCode::accelerator_model,
                    .variant = variant,
                    .value = pool_of(*chosen).accelerator.model},
         *chosen);
  }

  // More of an upper bound, or less of a need. The weaker it is the better the choice, so that
  // bisection finds the first step that does.
  void bound(ReasonCode constraint, std::uint32_t variant) {
    const std::optional<Range> range = range_of(spec_, constraint, variant, now_);
    if (!range) return;
    const std::int64_t sign = range->farthest > range->from ? 1 : -1;
    const auto with = [&](std::int64_t step) {
      return Relaxation{.constraint = constraint,
                        .variant = variant,
                        .from = range->from,
                        .to = range->from + sign * step};
    };
    // What was found by a weaker bound than it needs is found by the one that it needs.
    const auto enough = [&](const Candidate& chosen, std::int64_t step) {
      const auto need = needed(chosen, constraint);
      return need ? std::min(step, *need - range->from) : step;
    };
    std::int64_t high = sign * (range->farthest - range->from);
    auto best = better_choice(relaxed(spec_, with(high), now_));
    if (!best) return;
    high = enough(*best, high);
    std::int64_t low = 0;  // does not do
    if (!base_) {
      // Any choice will do: the one that needs least is known at once where an objective says so.
      if (const auto least = least_of(relaxed(spec_, with(high), now_), constraint)) {
        high = *needed(*least, constraint) - range->from;
        low = high - 1;
        best = better_choice(relaxed(spec_, with(high), now_));
        if (!best) return;
      }
    }
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      if (auto chosen = better_choice(relaxed(spec_, with(middle), now_))) {
        high = enough(*chosen, middle);
        best = std::move(chosen);
      } else if (!found_.complete) {
        return;  // whether a smaller step does is not known
      } else {
        low = middle;
      }
    }
    keep(with(high), std::move(*best));
  }

  std::optional<Candidate> least_of(JobSpec spec, ReasonCode constraint) {
    if (constraint == ReasonCode::deadline) {
      spec.objective = Objective::fastest;
    } else if (constraint == ReasonCode::budget) {
      spec.objective = Objective::cheapest;
    } else {
      return std::nullopt;
    }
    return choice(spec);
  }

  const Pool& pool_of(const Candidate& candidate) const {
    const SiteView* const site = view_.find(candidate.site);
    TRADEWIND_ASSERT(site != nullptr);
    const auto pool = std::ranges::find(site->record.pools, candidate.pool, &Pool::id);
    TRADEWIND_ASSERT(pool != site->record.pools.end());
    return *pool;
  }

  void finish() {
    const auto order = [&](const Relaxation& each) {
      return std::tuple(value(each.chosen), each.chosen.cost.total.micros, each.constraint,
                        each.variant);
    };
    std::ranges::sort(found_.list, {}, order);
    if (found_.list.size() > limits::relaxations_max) {
      found_.list.resize(limits::relaxations_max);
    }
    for (Relaxation& each : found_.list) {
      if (base_) {
        each.saving.micros = base_->cost.total.micros - each.chosen.cost.total.micros;
        each.better_ppm = share_of_base(base_value_ - value(each.chosen));
      }
      each.detail = explain(spec_, base_ ? &*base_ : nullptr, each, chooser_.options());
    }
  }

  std::int64_t share_of_base(std::int64_t less) const {
    __extension__ using Wide = __int128;
    return static_cast<std::int64_t>(Wide{less} * ppm_one / base_value_);
  }

  const RouteRequest& request_;
  const JobSpec& spec_;
  const MarketView& view_;
  Chooser& chooser_;
  const Wall::time_point now_;
  std::optional<Candidate> base_;  // what the job has as it is
  std::int64_t base_value_ = 0;
  std::size_t choices_ = 0;
  Relaxations found_;
};

}  // namespace

JobSpec relaxed(JobSpec spec, const Relaxation& relaxation, Wall::time_point now) {
  Constraints& asked = spec.constraints;
  Variant& variant = spec.variants[relaxation.variant];
  const std::int64_t to = relaxation.to;
  switch (relaxation.constraint) {
    case ReasonCode::architecture:
      for (std::uint16_t each = 0; each < architectures_count; ++each) {
        const auto one = static_cast<Architecture>(each);
        if (to_string(one) == relaxation.value) variant.architectures.push_back(one);
      }
      break;
    case ReasonCode::accelerator_model:
      variant.accelerator.models.push_back(relaxation.value);
      break;
    case ReasonCode::accelerator_memory:
      variant.accelerator.memory_gib_min = static_cast<std::uint32_t>(to);
      break;
    case ReasonCode::interconnect:
      variant.accelerator.interconnect_min = static_cast<Interconnect>(to);
      break;
    case ReasonCode::accelerator_count:
      spec.resources.accelerators = static_cast<std::uint32_t>(to);
      break;
    case ReasonCode::cpus: spec.resources.cpus = static_cast<std::uint32_t>(to); break;
    case ReasonCode::memory: spec.resources.memory_mib = static_cast<std::uint64_t>(to); break;
    case ReasonCode::disk: spec.resources.disk_mib = static_cast<std::uint64_t>(to); break;
    case ReasonCode::nodes: spec.nodes = static_cast<std::uint32_t>(to); break;
    case ReasonCode::label: asked.labels.erase(relaxation.value); break;
    case ReasonCode::preemptible_only: asked.preemptible_allowed = true; break;
    case ReasonCode::carbon: asked.carbon_g_kwh_max = static_cast<std::uint32_t>(to); break;
    case ReasonCode::latency: asked.latency_ms_max = static_cast<std::uint32_t>(to); break;
    case ReasonCode::rate_cap: asked.rate_max = MoneyPerHour{to}; break;
    case ReasonCode::wait: asked.wait_seconds_max = static_cast<std::uint32_t>(to); break;
    case ReasonCode::deadline: asked.deadline = now + std::chrono::seconds(to); break;
    case ReasonCode::budget: asked.cost_max = Money{to}; break;
    default: {
      const std::optional<Lists> lists = lists_of(asked, relaxation.constraint);
      TRADEWIND_ASSERT(lists.has_value());
      std::erase(lists->denied, relaxation.value);
      const bool named =
          std::ranges::find(lists->allowed, relaxation.value) != lists->allowed.end();
      if (!lists->allowed.empty() && !named) lists->allowed.push_back(relaxation.value);
    }
  }
  return spec;
}

Relaxations relaxations(const RouteRequest& request, const MarketView& view, Chooser& chooser,
                        Wall::time_point now) {
  TRADEWIND_ASSERT(chooser.options().tolerance_ppm == 0 && !request.spec.variants.empty());
  return Search(request, view, chooser, now).run();
}

}  // namespace tradewind
