// What is kept across restarts, and how it comes back.
//
//   attempt/<attempt>         HeldAttempt, until its end is acknowledged
//   lease/<attempt>           when its lease ends by the wall clock, milliseconds since 1970
//   fence/<attempt>/<broker>  when the fence was put up, likewise; counted anew from a restart
//   term/<broker>             the greatest term heard of it
//
// <broker> is a node id. A store from before each broker had its own is rewritten at its first
// start: it has "fence/<attempt>", and "term" with "<greatest term> <the broker that spoke it>".
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/admission/admission.h"
#include "gateway/admission/admission_keys.h"
#include "schemas/assert.h"
#include "schemas/codec.h"

namespace tradewind {
namespace {

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && !text.empty();
}

tl::unexpected<Error> damaged(const std::string& key) {
  return fail(ErrorCode::corrupt, "store", "the value of \"" + key + "\" is damaged",
              "start the gateway with an empty store; leases of its attempts then run out");
}

}  // namespace

std::string attempt_key(const AttemptId& attempt) {
  return "attempt/" + to_string(attempt);
}
std::string lease_key(const AttemptId& attempt) {
  return "lease/" + to_string(attempt);
}
std::string fence_key(const NodeId& broker, const AttemptId& attempt) {
  return "fence/" + to_string(attempt) + '/' + broker.value;
}
std::string term_key(const NodeId& broker) {
  return "term/" + broker.value;
}

Status Admission::recover(const std::vector<StoreWrite>& stored, Now now) {
  TRADEWIND_ASSERT(!ready_ && held_.empty());
  // Attempts first: leases belong to them, whatever the order of the keys.
  for (const StoreWrite& each : stored) {
    if (!each.value || each.key.rfind("attempt/", 0) != 0) continue;
    auto attempt = decode_held_attempt(*each.value);
    if (!attempt || attempt_key(attempt->attempt) != each.key) return damaged(each.key);
    if (const Status status = recover_attempt(std::move(*attempt)); !status) return status;
  }
  NodeId one_broker;
  for (const StoreWrite& each : stored) {
    if (!each.value || each.key != "term") continue;
    const std::size_t space = each.value->find(' ');
    Term term;
    if (space == Bytes::npos ||
        !read_number(std::string_view(*each.value).substr(0, space), term.value)) {
      return damaged(each.key);
    }
    one_broker.value = each.value->substr(space + 1);
    terms_[one_broker] = term;
    rewritten_.push_back({each.key, std::nullopt});
    rewritten_.push_back({term_key(one_broker), std::to_string(term.value)});
  }
  for (const StoreWrite& each : stored) {
    if (!each.value) continue;
    const std::string_view key = each.key;
    const std::size_t slash = std::min(key.find('/'), key.size());
    const std::string_view kind = key.substr(0, slash);
    std::string_view name = key.substr(std::min(slash + 1, key.size()));
    if (kind == "attempt" || key == "term") continue;
    if (kind == "term") {
      if (!read_number(*each.value, terms_[NodeId{std::string(name)}].value)) {
        return damaged(each.key);
      }
      continue;
    }
    NodeId broker;
    if (const std::size_t end = name.find('/'); kind == "fence" && end != std::string_view::npos) {
      broker.value = name.substr(end + 1);
      name = name.substr(0, end);
    }
    const auto attempt = parse_attempt(name);
    std::int64_t ms = 0;
    if (!attempt || !read_number(*each.value, ms)) return damaged(each.key);
    if (kind == "fence") {
      if (broker.value.empty()) {
        broker = one_broker;
        rewritten_.push_back({each.key, std::nullopt});
        rewritten_.push_back({fence_key(broker, *attempt), each.value});
      }
      fence({broker, *attempt}, now.mono, true);
    } else if (kind == "lease") {
      const auto held = held_.find(*attempt);
      if (held != held_.end()) held->second.stored_lease_end = wall_from_ms(ms);
    } else {
      return damaged(each.key);
    }
  }
  return ok();
}

Status Admission::recover_attempt(HeldAttempt attempt) {
  Held held;
  held.phase = attempt.report ? AttemptPhase::ended : AttemptPhase::granted;
  if (!attempt.report) {
    const auto pool = pool_index(attempt.assignment.pool);
    const std::string name = to_string(attempt.attempt);
    if (!pool || !pools_[*pool].nodes.fits(attempt.nodes, attempt.assignment.units)) {
      return fail(ErrorCode::corrupt, "pools." + attempt.assignment.pool.value,
                  "attempt " + name + " holds nodes that the pool does not have any more",
                  "restore the pool as it was until its attempts have ended");
    }
    take(attempt, *pool);
    held.pool = *pool;
  }
  held.alarm = Mono::time_point::max();
  const AttemptId id = attempt.attempt;
  held.durable = std::move(attempt);
  held_.emplace(id, std::move(held));
  return ok();
}

void Admission::take_over(const Admission& before) {
  TRADEWIND_ASSERT(!ready_);
  fence_order_ = before.fence_order_;
  fences_ = before.fences_;
}

std::vector<AttemptId> Admission::running() const {
  std::vector<AttemptId> attempts;
  for (const auto& [id, held] : held_) {
    if (held.phase != AttemptPhase::ended) attempts.push_back(id);
  }
  return attempts;
}

AdmissionOutput Admission::adopted(const std::vector<AttemptId>& attempts, Now now) {
  TRADEWIND_ASSERT(!ready_);
  ready_ = true;
  AdmissionOutput output;
  output.writes = std::exchange(rewritten_, {});
  const std::set<AttemptId> kept(attempts.begin(), attempts.end());
  for (auto& [id, held] : held_) {
    if (held.phase == AttemptPhase::ended) {
      held.resend = now.mono;
      held.resend_span = options_.resend_interval;
      set_alarm(held);
    } else if (kept.count(id) == 0) {
      EndReport report;
      report.code = EndCode::interrupted;
      report.detail = "the gateway restarted and the engine does not have it any more";
      finish(held, std::move(report), now, output);
    } else if (held.durable.assignment.on_disconnect == OnDisconnect::stop) {
      // The steady clock of the life before is gone. The wall clock may have jumped: never more
      // than the whole lease is left, and none when the store does not say.
      const auto left = held.stored_lease_end.value_or(now.wall) - now.wall;
      const auto most = Wall::duration(std::chrono::seconds(held.durable.lease_seconds));
      held.lease_ends = now.mono + std::clamp(left, Wall::duration::zero(), most);
      set_alarm(held);
    }
  }
  return output;
}

void Admission::write(const Held& held, AdmissionOutput& output) const {
  output.writes.push_back({attempt_key(held.durable.attempt), encode(held.durable)});
}

}  // namespace tradewind
