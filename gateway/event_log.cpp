#include "gateway/event_log.h"

#include <spdlog/spdlog.h>

#include <variant>

namespace tradewind {

namespace {

void log_reply(const SiteId& site, const AdmissionOutput::Reply& reply) {
  if (const auto* granted = std::get_if<Granted>(&reply.message.body)) {
    spdlog::info("attempt.granted attempt={} site={} broker={}", to_string(granted->attempt),
                 site.value, reply.to.value);
  } else if (const auto* refused = std::get_if<Refused>(&reply.message.body)) {
    spdlog::info("attempt.refused attempt={} site={} reason={} broker={} detail=\"{}\"",
                 to_string(refused->attempt), site.value, to_string(refused->code), reply.to.value,
                 refused->detail);
  } else if (const auto* ended = std::get_if<AttemptEnded>(&reply.message.body)) {
    // Said again until it is acknowledged, so not worth a line each at the usual level.
    spdlog::debug("attempt.end_reported attempt={} site={} reason={} broker={}",
                  to_string(ended->attempt), site.value, to_string(ended->report.code),
                  reply.to.value);
  } else if (const auto* status = std::get_if<AttemptStatus>(&reply.message.body)) {
    spdlog::debug("attempt.status attempt={} site={} phase={} broker={}",
                  to_string(status->attempt), site.value, to_string(status->phase), reply.to.value);
  }
}

}  // namespace

void log_effects(const SiteId& site, const AdmissionOutput& output) {
  for (const auto& each : output.replies) log_reply(site, each);
  for (const auto& each : output.stops) {
    spdlog::info("attempt.stopping attempt={} site={} reason={}", to_string(each.attempt),
                 site.value, to_string(each.code));
  }
  for (const AttemptId& each : output.forgets) {
    spdlog::debug("attempt.forgotten attempt={} site={}", to_string(each), site.value);
  }
}

void log_event(const SiteId& site, const EngineEvent& event) {
  const std::string attempt = to_string(event.attempt);
  if (event.phase == AttemptPhase::unknown || event.phase == AttemptPhase::granted) return;
  if (event.phase != AttemptPhase::ended) {
    const auto level =
        event.phase == AttemptPhase::running ? spdlog::level::info : spdlog::level::debug;
    spdlog::log(level, "attempt.advanced attempt={} site={} phase={}", attempt, site.value,
                to_string(event.phase));
    return;
  }
  if (!event.report) return;
  spdlog::info("attempt.ended attempt={} site={} reason={} wall_seconds={} detail=\"{}\"", attempt,
               site.value, to_string(event.report->code), event.report->usage.wall_seconds,
               event.report->detail);
}

}  // namespace tradewind
