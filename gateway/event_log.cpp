#include "gateway/event_log.h"

#include <spdlog/spdlog.h>

#include <variant>

namespace tradewind {

namespace {

void log_reply(const SiteId& site, const AdmissionOutput::Reply& reply) {
  if (const auto* granted = std::get_if<Granted>(&reply.message.body)) {
    spdlog::info("attempt.granted site={} attempt={} broker={}", site.value,
                 to_string(granted->attempt), reply.to.value);
  } else if (const auto* refused = std::get_if<Refused>(&reply.message.body)) {
    spdlog::info("attempt.refused site={} attempt={} broker={} code={} detail=\"{}\"", site.value,
                 to_string(refused->attempt), reply.to.value, to_string(refused->code),
                 refused->detail);
  } else if (const auto* ended = std::get_if<AttemptEnded>(&reply.message.body)) {
    // Said again until it is acknowledged, so not worth a line each at the usual level.
    spdlog::debug("attempt.end_reported site={} attempt={} broker={} code={}", site.value,
                  to_string(ended->attempt), reply.to.value, to_string(ended->report.code));
  } else if (const auto* status = std::get_if<AttemptStatus>(&reply.message.body)) {
    spdlog::debug("attempt.status site={} attempt={} broker={} phase={}", site.value,
                  to_string(status->attempt), reply.to.value, static_cast<int>(status->phase));
  }
}

}  // namespace

void log_effects(const SiteId& site, const AdmissionOutput& output) {
  for (const auto& each : output.replies) log_reply(site, each);
  for (const auto& each : output.stops) {
    spdlog::info("attempt.stopping site={} attempt={} code={}", site.value, to_string(each.attempt),
                 to_string(each.code));
  }
  for (const AttemptId& each : output.forgets) {
    spdlog::debug("attempt.forgotten site={} attempt={}", site.value, to_string(each));
  }
}

void log_event(const SiteId& site, const EngineEvent& event) {
  const std::string attempt = to_string(event.attempt);
  switch (event.phase) {
    case AttemptPhase::unknown:
    case AttemptPhase::granted: return;
    case AttemptPhase::staging:
      spdlog::debug("attempt.staging site={} attempt={}", site.value, attempt);
      return;
    case AttemptPhase::running:
      spdlog::info("attempt.running site={} attempt={}", site.value, attempt);
      return;
    case AttemptPhase::finishing:
      spdlog::debug("attempt.finishing site={} attempt={}", site.value, attempt);
      return;
    case AttemptPhase::ended: break;
  }
  if (!event.report) return;
  spdlog::info("attempt.ended site={} attempt={} code={} wall_seconds={} detail=\"{}\"", site.value,
               attempt, to_string(event.report->code), event.report->usage.wall_seconds,
               event.report->detail);
}

}  // namespace tradewind
