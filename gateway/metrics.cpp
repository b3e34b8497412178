#include "gateway/metrics.h"

#include <fmt/format.h>

#include <string_view>

namespace tradewind {

std::string metrics_text(const GatewayFigures& figures) {
  std::string text;
  const auto head = [&text](std::string_view name, std::string_view type, std::string_view help) {
    text += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  };
  head("tradewind_events_total", "counter", "What happened, by event.");
  for (const auto& [event, count] : {std::pair("attempt.granted", figures.events.granted),
                                     std::pair("attempt.refused", figures.events.refused),
                                     std::pair("attempt.advanced", figures.events.advanced),
                                     std::pair("attempt.ended", figures.events.ended)}) {
    text += fmt::format("tradewind_events_total{{event=\"{}\"}} {}\n", event, count);
  }
  head("tradewind_attempts", "gauge",
       "Attempts held, by phase; an ended one waits for its broker.");
  for (std::uint16_t i = 0; i < attempt_phases_count; ++i) {
    const auto phase = static_cast<AttemptPhase>(i);
    if (phase == AttemptPhase::unknown) continue;
    const auto counted = figures.attempts.find(phase);
    text += fmt::format("tradewind_attempts{{phase=\"{}\"}} {}\n", to_string(phase),
                        counted == figures.attempts.end() ? 0 : counted->second);
  }
  head("tradewind_site_state", "gauge", "1 for the state that the site is in.");
  for (std::uint16_t i = 0; i < site_states_count; ++i) {
    const auto state = static_cast<SiteState>(i);
    text += fmt::format("tradewind_site_state{{state=\"{}\"}} {}\n", to_string(state),
                        state == figures.state ? 1 : 0);
  }
  head("tradewind_performance_ppm", "gauge",
       "Reference work done per second, as learnt, by pool and class of work.");
  for (const auto& [learnt, factor] : figures.performance) {
    text += fmt::format("tradewind_performance_ppm{{pool=\"{}\",class=\"{}\"}} {}\n",
                        learnt.first.value, learnt.second, factor.ppm);
  }
  head("tradewind_disk_free_bytes", "gauge", "Free on the file system of the directory.");
  text += fmt::format("tradewind_disk_free_bytes {}\n", figures.disk_free);
  head("tradewind_disk_reserve_bytes", "gauge", "Below this nothing new is taken.");
  text += fmt::format("tradewind_disk_reserve_bytes {}\n", figures.disk_reserve);
  head("tradewind_inbox_shed_total", "counter", "Messages that found no room.");
  text += fmt::format("tradewind_inbox_shed_total {}\n", figures.inbox_shed);
  return text;
}

}  // namespace tradewind
