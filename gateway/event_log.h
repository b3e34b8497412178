// The gateway's log lines about attempts: one event name each, in the broker's words
// (broker/jobs/event.h) where both tell of the same, one line.
#pragma once

#include "gateway/admission/admission.h"
#include "gateway/engines/engine.h"
#include "schemas/ids.h"

namespace tradewind {

// "attempt.granted", "attempt.refused", "attempt.stopping" and so on, of what is about to be done.
void log_effects(const SiteId& site, const AdmissionOutput& output);
// "attempt.advanced", "attempt.ended".
void log_event(const SiteId& site, const EngineEvent& event);

}  // namespace tradewind
