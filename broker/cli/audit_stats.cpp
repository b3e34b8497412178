#include "broker/cli/audit_stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/audit/leaf_type.h"
#include "broker/cli/table.h"
#include "schemas/money.h"

namespace tradewind::cli {
namespace {

namespace json = boost::json;

struct SiteStats {
  std::uint64_t won = 0;
  std::map<std::string, std::uint64_t> lost;  // by reason; "dearer": adequate, and not chosen
  std::map<std::string, std::uint64_t> refused;
  std::uint64_t ended = 0;
  std::int64_t quoted_micros = 0;  // of attempts that have ended
  std::int64_t paid_micros = 0;
};

class Stats {
 public:
  Status add(std::uint64_t index, BytesView entry) {
    const auto holds = [&](std::string_view type) { return entry.find(type) != BytesView::npos; };
    if (!holds(leaf_type::decided) && !holds(leaf_type::unroutable) && !holds(leaf_type::refused) &&
        !holds(leaf_type::ended)) {
      return ok();
    }
    boost::system::error_code error;
    const json::value event = json::parse({entry.data(), entry.size()}, error);
    if (error) return fail(ErrorCode::corrupt, "entry " + std::to_string(index), "is no JSON");
    const std::string type = text(event, "type");
    const json::value& data = member(event, "data");
    const std::string attempt = text(event, "subject");
    if (type == leaf_type::decided || type == leaf_type::unroutable) {
      decided(attempt, member(data, "decision"));
    } else if (const auto at = attempts_.find(attempt); at != attempts_.end()) {
      SiteStats& site = sites_[at->second.first];
      if (type == leaf_type::refused) {
        ++site.refused[text(event, "reason")];
      } else if (type == leaf_type::ended) {
        ++site.ended;
        site.quoted_micros += at->second.second;
        site.paid_micros += parse_micros("charge", text(data, "charge")).value_or(0);
      }
      attempts_.erase(at);
    }
    return ok();
  }
  const std::map<std::string, SiteStats>& sites() const { return sites_; }

 private:
  void decided(const std::string& attempt, const json::value& decision) {
    for (const json::value& each : items(decision, "rejections")) {
      ++sites_[text(each, "site")].lost[text(each, "reason")];
    }
    for (const json::value& each : items(decision, "runners_up")) {
      ++sites_[text(each, "site")].lost["dearer"];
    }
    const json::value& chosen = member(decision, "chosen");
    if (chosen.is_null()) return;
    const std::string site = text(chosen, "site");
    ++sites_[site].won;
    const json::value& cost = member(chosen, "cost");
    // What the site itself is due: traffic is paid to others, and contracts are paid already.
    const auto part = [&](std::string_view name) {
      return parse_micros(name, text(cost, name)).value_or(0);
    };
    attempts_[attempt] = {site, part("compute") + part("fixed") - part("contract_paid")};
  }

  std::map<std::string, SiteStats> sites_;
  std::map<std::string, std::pair<std::string, std::int64_t>> attempts_;  // site, quoted
};

std::string listed(const std::map<std::string, std::uint64_t>& counts) {
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [reason, count] : counts) sorted.emplace_back(count, reason);
  std::sort(sorted.rbegin(), sorted.rend());
  std::string text;
  for (const auto& [count, reason] : sorted) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", reason, count);
  }
  return text;
}

json::object counts_to_json(const std::map<std::string, std::uint64_t>& counts) {
  json::object out;
  for (const auto& [reason, count] : counts) out[reason] = count;
  return out;
}

}  // namespace

Status stats(Context& context, AuditLog& log) {
  const auto newest = log.newest();
  if (!newest) return fail(newest.error());
  Stats stats;
  const TreeHead& head = newest->verified.checkpoint.head;
  const Status verified = log.verify(
      {}, head, [&](std::uint64_t index, BytesView entry) { return stats.add(index, entry); });
  if (!verified) return verified;
  json::object sites;
  for (const auto& [site, each] : stats.sites()) {
    sites[site] = json::object{{"won", each.won},
                               {"lost", counts_to_json(each.lost)},
                               {"refused", counts_to_json(each.refused)},
                               {"ended", each.ended},
                               {"quoted", to_decimal(each.quoted_micros)},
                               {"paid", to_decimal(each.paid_micros)}};
  }
  context.show(json::object{{"size", head.size}, {"sites", std::move(sites)}}, [&] {
    Table table({{"SITE"},
                 {"WON", true},
                 {"ENDED", true},
                 {"QUOTED", true},
                 {"PAID", true},
                 {"REFUSED"},
                 {"LOST"}});
    for (const auto& [site, each] : stats.sites()) {
      table.add({site, std::to_string(each.won), std::to_string(each.ended),
                 to_decimal(each.quoted_micros), to_decimal(each.paid_micros), listed(each.refused),
                 listed(each.lost)});
    }
    std::cout << (table.empty() ? "no decision is in the log\n" : table.render())
              << fmt::format("{} entries verified\n", head.size);
  });
  return ok();
}

}  // namespace tradewind::cli
