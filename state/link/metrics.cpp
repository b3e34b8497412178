#include "state/link/metrics.h"

#include <fmt/format.h>

#include <string_view>

namespace tradewind {

std::string metrics_text(const LinkCounters& link, std::uint64_t malformed) {
  std::string text;
  const auto head = [&text](std::string_view name, std::string_view help) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} counter\n", name, help);
  };
  const auto add = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    head(name, help);
    text += fmt::format("{} {}\n", name, value);
  };
  add("tradewind_link_sent_total", "Messages handed to the network.", link.messages_sent);
  add("tradewind_link_sent_bytes_total", "Bytes of their content.", link.bytes_sent);
  add("tradewind_link_received_total", "Messages received.", link.messages_received);
  add("tradewind_link_received_bytes_total", "Bytes of their content.", link.bytes_received);
  add("tradewind_link_malformed_total", "Messages whose content could not be decoded.", malformed);
  head("tradewind_link_dropped_total", "Messages dropped on arrival, by reason.");
  for (const auto& [reason, count] : link.dropped) {
    text +=
        fmt::format("tradewind_link_dropped_total{{reason=\"{}\"}} {}\n", to_string(reason), count);
  }
  head("tradewind_link_shed_total", "Messages not sent, by reason.");
  for (const auto& [reason, count] : link.shed) {
    text +=
        fmt::format("tradewind_link_shed_total{{reason=\"{}\"}} {}\n", to_string(reason), count);
  }
  return text;
}

}  // namespace tradewind
