#include "state/gossip/metrics.h"

#include <fmt/format.h>

#include <string_view>

namespace tradewind {
namespace {

void add_head(std::string& text, std::string_view name, std::string_view help,
              std::string_view type) {
  text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

void add_sheet_ages(std::string& text, const GossipCounters& gossip) {
  constexpr std::string_view name = "tradewind_gossip_sheet_age_seconds";
  add_head(text, name, "Age of quote sheets when they were taken, from issued.", "histogram");
  const auto seconds = [](std::uint64_t ms) {
    return fmt::format("{}.{:03}", ms / 1'000, ms % 1'000);
  };
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < gossip.sheets_by_age.size(); ++i) {
    count += gossip.sheets_by_age[i];
    const bool last = i == sheet_ages_ms.size();
    text += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name,
                        last ? "+Inf" : seconds(sheet_ages_ms[i]), count);
  }
  text +=
      fmt::format("{}_sum {}\n{}_count {}\n", name, seconds(gossip.sheet_age_ms_sum), name, count);
}

}  // namespace

std::string metrics_text(const GossipCounters& gossip, std::chrono::nanoseconds verifying,
                         std::size_t quarantined) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view help, std::uint64_t value) {
    add_head(text, name, help, "counter");
    text += fmt::format("{} {}\n", name, value);
  };
  add("tradewind_gossip_rounds_total", "Gossip rounds started.", gossip.rounds);
  add("tradewind_gossip_early_rounds_total", "Of these, for news before their time.",
      gossip.early_rounds);
  add("tradewind_gossip_sent_bytes_total", "Bytes of records and digests sent.", gossip.bytes_sent);
  add("tradewind_gossip_received_bytes_total", "Bytes of records and digests received.",
      gossip.bytes_received);
  add("tradewind_gossip_received_records_total", "Records received, copies too.",
      gossip.records_received);
  add("tradewind_gossip_refused_messages_total",
      "Gossip messages refused whole, over a pace, a byte budget or a size.",
      gossip.messages_refused);
  add("tradewind_gossip_verified_total", "Signatures checked.", gossip.verified);
  constexpr std::string_view verifying_name = "tradewind_gossip_verifying_seconds_total";
  add_head(text, verifying_name, "Time spent on checking signatures.", "counter");
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(verifying).count();
  text += fmt::format("{} {}.{:06}\n", verifying_name, micros / 1'000'000, micros % 1'000'000);
  add_sheet_ages(text, gossip);
  add_head(text, "tradewind_gossip_dropped_total", "Records not taken, by reason.", "counter");
  for (const auto& [reason, count] : gossip.dropped) {
    text += fmt::format("tradewind_gossip_dropped_total{{reason=\"{}\"}} {}\n", to_string(reason),
                        count);
  }
  add_head(text, "tradewind_members_quarantined", "Members that have signed two stories.", "gauge");
  text += fmt::format("tradewind_members_quarantined {}\n", quarantined);
  return text;
}

}  // namespace tradewind
