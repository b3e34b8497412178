#include "gateway/status.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>

#include "schemas/money.h"

namespace tradewind {
namespace {

using Factors = std::map<LearntClass, LearntPerformance::Factor>;

// As the gateway takes it up when it starts: a text that does not fit counts for nothing.
Factors factors_of(const SiteStatus& status) {
  LearntPerformance performance;
  performance.learn(status.site.learnt);
  for (const auto& [learnt, text] : status.learnt) {
    static_cast<void>(performance.restore(learnt, text));
  }
  return performance.factors();
}

// Takes each pool, class, factor in force and, where it is learnt, what it was learnt from.
template <class Take>
void for_each_factor(const SiteStatus& status, const Take& take) {
  const Factors factors = factors_of(status);
  for (const Pool& pool : status.site.record.pools) {
    for (const auto& [name, ppm] : pool.performance_ppm) {
      const auto learnt = factors.find({pool.id, name});
      if (learnt == factors.end()) {
        take(pool.id, name, ppm, std::optional<LearntPerformance::Factor>());
      } else {
        take(pool.id, name, learnt->second.ppm, std::optional(learnt->second));
      }
    }
  }
}

}  // namespace

std::string status_text(const SiteStatus& status) {
  std::string text =
      fmt::format("site {} of {}, certificate until {}\n\n", status.site.record.site.value,
                  status.federation.value, to_rfc3339(status.certificate_ends));
  text += fmt::format("{:<20} {:<20} {:>12}  {}\n", "POOL", "CLASS", "FACTOR", "FROM");
  for_each_factor(status, [&](const PoolId& pool, const std::string& name, std::int64_t ppm,
                              const std::optional<LearntPerformance::Factor>& learnt) {
    std::string from = "the site file";
    if (learnt) {
      from = fmt::format("learnt from {} on, by {} successes of {} tenants",
                         to_decimal(learnt->start_ppm), learnt->successes, learnt->tenants);
    }
    text += fmt::format("{:<20} {:<20} {:>12}  {}\n", pool.value, name, to_decimal(ppm), from);
  });
  return text;
}

std::string status_json(const SiteStatus& status) {
  boost::json::array rows;
  for_each_factor(status, [&](const PoolId& pool, const std::string& name, std::int64_t ppm,
                              const std::optional<LearntPerformance::Factor>& learnt) {
    boost::json::object row{
        {"pool", pool.value}, {"class", name}, {"ppm", ppm}, {"learnt", learnt.has_value()}};
    if (learnt) {
      row["start_ppm"] = learnt->start_ppm;
      row["successes"] = learnt->successes;
      row["tenants"] = learnt->tenants;
    }
    rows.push_back(std::move(row));
  });
  const boost::json::object json{{"site", status.site.record.site.value},
                                 {"federation", status.federation.value},
                                 {"certificate_ends", to_rfc3339(status.certificate_ends)},
                                 {"performance", std::move(rows)}};
  return boost::json::serialize(json) + "\n";
}

}  // namespace tradewind
