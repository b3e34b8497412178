// A small site with one pool of two nodes of four units, and a broker that speaks to it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/admission/admission.h"

namespace tradewind {

class AdmissionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    site.site.value = "s1";
    Pool pool;
    pool.id.value = "cpu";
    pool.nodes = 2;
    pool.node = Resources{4, 4'096, 40'960, 0};
    pool.unit = Resources{1, 1'024, 10'240, 0};
    pool.tariff.cpu_hour.micros = 3'600'000'000;  // one unit of money a second
    pool.tariff.increment_seconds = 10;
    pool.tariff.minimum_seconds = 30;
    pool.tariff.fixed_fee.micros = 500;
    site.pools = {pool};
    start();
    keep(admission->adopted({}, now));
    publish(1, ppm_one);
  }

  // A new life over what the store holds; `adopted` is to follow.
  void start() {
    admission = std::make_unique<Admission>(site, options);
    std::vector<StoreWrite> stored;
    for (const auto& [key, value] : store) stored.push_back({key, value});
    ASSERT_TRUE(admission->recover(stored, now));
  }
  AdmissionOutput keep(AdmissionOutput output) {
    for (const StoreWrite& each : output.writes) {
      if (each.value) {
        store[each.key] = *each.value;
      } else {
        store.erase(each.key);
      }
    }
    return output;
  }
  void publish(std::uint64_t version, std::int64_t price_ppm) {
    QuoteSheet sheet;
    sheet.site = site.site;
    sheet.pools = {{PoolId{"cpu"}, 8, 4, 2, 0, price_ppm}};
    admission->published({1, version}, sheet, now.wall + limits::quote_validity, now);
  }

  static AttemptId attempt(std::uint32_t number) { return {job_id(Sequence{1}), number}; }
  Assignment assignment(std::uint32_t cpus = 1, std::uint32_t nodes = 1) const {
    Assignment wanted;
    wanted.tenant.value = "acme";
    wanted.pool.value = "cpu";
    wanted.nodes = nodes;
    wanted.units = cpus;
    wanted.resources.cpus = cpus;
    Executor executor;
    executor.command = {"true"};
    wanted.executors = {executor};
    wanted.run_seconds_max = 100;
    wanted.rate.micros = std::int64_t{3'600'000'000} * cpus * nodes;
    wanted.quote_version = {1, 1};
    return wanted;
  }
  AdmissionOutput tell(decltype(ToGateway::body) body, std::uint64_t term = 1) {
    return tell_as(broker, std::move(body), term);
  }
  AdmissionOutput tell_as(const NodeId& speaker, decltype(ToGateway::body) body,
                          std::uint64_t term = 1) {
    return keep(admission->from_broker(speaker, ToGateway{Term{term}, std::move(body)},
                                       SignedRecord{"sheet", "signature"}, now));
  }
  AdmissionOutput dispatch(std::uint32_t number, const Assignment& wanted) {
    return tell(Dispatch{attempt(number), wanted, 60});
  }
  AdmissionOutput dispatch(std::uint32_t number) { return dispatch(number, assignment()); }
  AdmissionOutput end(std::uint32_t number, EndCode code = EndCode::succeeded) {
    EndReport report;
    report.code = code;
    report.started = true;
    return keep(admission->engine_ended(attempt(number), report, now));
  }
  AdmissionOutput phase(std::uint32_t number, AttemptPhase to) {
    return keep(admission->engine_phase(attempt(number), to, now));
  }
  // Time passes, with every tick that is asked for on the way.
  AdmissionOutput advance(std::chrono::seconds span) {
    AdmissionOutput all;
    const Mono::time_point to = now.mono + span;
    while (admission->next_tick() <= to) {
      move_to(std::max(now.mono, admission->next_tick()));
      all.append(keep(admission->tick(now)));
    }
    move_to(to);
    return all;
  }
  void move_to(Mono::time_point at) {
    now.wall += at - now.mono;
    now.mono = at;
  }

  template <class Body>
  static std::optional<Body> reply(const AdmissionOutput& output) {
    for (const auto& each : output.replies) {
      if (const auto* body = std::get_if<Body>(&each.message.body)) return *body;
    }
    return std::nullopt;
  }
  static std::optional<RefusalCode> refusal(const AdmissionOutput& output) {
    const auto refused = reply<Refused>(output);
    return refused ? std::optional(refused->code) : std::nullopt;
  }

  SiteRecord site;
  AdmissionOptions options;
  std::map<std::string, Bytes> store;
  std::unique_ptr<Admission> admission;
  NodeId broker{"broker/one"};
  Now now{Mono::time_point(std::chrono::seconds(1'000)), wall_from_ms(1'790'000'000'000)};
};

}  // namespace tradewind
