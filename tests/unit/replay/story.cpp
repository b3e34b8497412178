#include "tests/unit/replay/story.h"

#include <utility>
#include <variant>

#include "broker/jobs/fold.h"
#include "schemas/codec.h"
#include "state/identity/records.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind::testing {

Story::Story() {
  now_.wall = sample::now;
  restart();
}

void Story::restart() {
  router_ = std::make_unique<MarketRouter>(RouteOptions{});
  write(TermBegan{Term{++term_}});
  for (const auto& [id, job] : jobs_) {
    const AttemptRecord* const live = live_attempt(job);
    if (live == nullptr || live->state != AttemptState::dispatching) continue;
    router_->placed(AttemptId{id, live->number}, *live->decision.chosen);
  }
}

void Story::write(decltype(Entry::body) body) {
  router_->pass(now_.wall);
  entries_.push_back(Entry{now_.wall, std::move(body)});
  if (const auto job = job_of(entries_.back())) {
    router_->recorded(jobs_.at(*job), entries_.back());
    apply(jobs_.at(*job), entries_.back());
  }
}

void Story::record(const SiteId& site, RecordKind kind,
                   std::variant<Member, SiteRecord, QuoteSheet> body) {
  const bool of_registry = kind == RecordKind::member;
  const RecordHeader header{kind,
                            site_node(site),
                            MemberNumber{1},
                            RecordVersion{1, ++versions_},
                            now_.wall,
                            now_.wall + std::chrono::seconds(of_registry ? 3'600 : 60)};
  const SignedRecord bytes =
      make_record(of_registry ? registry_ : keys_.at(site), header, std::move(body));
  router_->accept(*decode_record(bytes.body), bytes);
}

void Story::admit(const SiteRecord& site) {
  const SigningKey key = SigningKey::generate();
  keys_.insert_or_assign(site.site, key);
  Member member;
  member.node = site_node(site.site);
  member.number = MemberNumber{1};
  member.identity_key = key.public_key();
  member.curve_key = Bytes(32, 'c');
  record(site.site, RecordKind::member, member);
  record(site.site, RecordKind::site, site);
  sheet(sample::sheet(site));
}

void Story::sheet(const QuoteSheet& sheet) {
  record(sheet.site, RecordKind::quote, sheet);
}

void Story::quarantine(const QuoteSheet& sheet) {
  const RecordHeader header{RecordKind::quote, site_node(sheet.site),
                            MemberNumber{1},   RecordVersion{1, ++versions_},
                            now_.wall,         now_.wall + std::chrono::seconds(60)};
  QuoteSheet other = sheet;
  ++other.pools.at(0).price_ppm;
  const SigningKey& key = keys_.at(sheet.site);
  Equivocation proof{make_record(key, header, sheet), make_record(key, header, other)};
  if (proof.second.body < proof.first.body) std::swap(proof.first, proof.second);
  router_->quarantine(sheet.site, std::move(proof));
}

JobId Story::submit(JobSpec spec, const std::string& tenant) {
  const JobId job = job_id(Sequence{entries_.size() + 1});
  JobSubmitted submission{job, TenantId{tenant}, "alice", {}, std::move(spec)};
  for (JobRecord& each : jobs_of(submission, now_.wall)) jobs_.emplace(JobId(each.job), each);
  write(std::move(submission));
  return job;
}

Decision Story::place(const JobId& job) {
  router_->pass(now_.wall);
  const Decision decision = router_->decide(jobs_.at(job), {}, now_).value();
  for (auto& each : router_->unrecorded()) write(std::move(each));
  const AttemptId attempt{job, jobs_.at(job).attempts_count + 1};
  write(JobDecided{attempt, decision});
  router_->placed(attempt, *decision.chosen);
  return decision;
}

AttemptRecord& Story::attempt(const JobId& job) {
  return jobs_.at(job).attempts.back();
}

void Story::grant(const JobId& job) {
  const AttemptId id{job, attempt(job).number};
  const Candidate chosen = *attempt(job).decision.chosen;
  write(AttemptGranted{id});
  router_->settled(id, chosen, true);
}

void Story::refuse(const JobId& job) {
  const AttemptId id{job, attempt(job).number};
  const Candidate chosen = *attempt(job).decision.chosen;
  write(AttemptRefused{id, RefusalCode::no_capacity, "full"});
  router_->settled(id, chosen, false);
}

void Story::end(const JobId& job) {
  const AttemptId id{job, attempt(job).number};
  const Candidate chosen = *attempt(job).decision.chosen;
  write(AttemptFinished{id, {}});
  router_->ended(id, chosen);
}

void Story::lose(const JobId& job) {
  write(AttemptLost{AttemptId{job, attempt(job).number}, "no word from the site"});
}

std::vector<Bytes> Story::leaves() const {
  std::vector<Bytes> leaves;
  for (const Entry& each : entries_) {
    leaves.push_back(writer_.write(Sequence{leaves.size() + 1}, each).event);
  }
  return leaves;
}

Story::Outcome Story::replay(const std::vector<Bytes>& leaves) const {
  Outcome outcome{ok(), {}, {}};
  Replayer replayer({authority_.trust()},
                    {.data = [](std::string_view) -> Result<Bytes> {
                       return fail(ErrorCode::not_found, "data", "is not here");
                     },
                     .opening = [this](std::uint64_t index) -> Result<Bytes> {
                       return writer_.opening(Sequence{index + 1}, entries_.at(index)).value();
                     }},
                    [&](const Replayed& told) { outcome.decisions.push_back(told); });
  for (const Bytes& each : leaves) {
    outcome.status = replayer.fold(each);
    if (!outcome.status) break;
  }
  replayer.finish();
  outcome.counts = replayer.counts();
  return outcome;
}

}  // namespace tradewind::testing
