// Questions to sites for what their attempts have printed, until they are answered: by the site, or
// once it has forgotten the attempt or does not answer, from the end that the journal keeps. The
// core's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "broker/core/service.h"
#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/time.h"
#include "state/journal/journal.h"

namespace tradewind {

class LogRequests {
 public:
  // The journal outlives it; a site has so long to answer.
  LogRequests(const Journal& journal, std::chrono::milliseconds timeout)
      : journal_(journal), timeout_(timeout) {}

  struct Question {
    SiteId site;
    ReadLog message;
  };
  // What to send. Nothing when the reply is given already: there is no such attempt, or too many
  // questions are open. The message's number is given here.
  std::optional<Question> ask(ReadLog wanted, Reply<LogChunk> reply, Mono::time_point now);
  void answer(LogChunk chunk);
  void expire(Mono::time_point now);
  // The broker stops: all are told.
  void end();

 private:
  struct Open {
    ReadLog wanted;
    Mono::time_point deadline{};
    Reply<LogChunk> reply;
  };
  // The end of the stream as the journal keeps it.
  Result<LogChunk> tail(const ReadLog& wanted) const;

  const Journal& journal_;
  const std::chrono::milliseconds timeout_;
  std::unordered_map<std::uint64_t, Open> open_;  // by the message's number
  std::uint64_t last_ = 0;
};

}  // namespace tradewind
