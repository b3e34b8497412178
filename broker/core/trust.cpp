#include "broker/core/trust.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "broker/jobs/fold.h"

namespace tradewind {
namespace {

constexpr auto kNever = Wall::time_point::max();

// The part of it, rounded up.
std::int64_t part_of(std::int64_t ppm, std::int64_t part) {
  return (ppm + part - 1) / part;
}

// The attempt that the entry speaks of, while it is not over.
template <class Body>
const AttemptRecord* open_attempt(const JobRecord& job, const Body& body) {
  const AttemptRecord* const attempt = find_attempt(job, body.attempt.number);
  const bool open = attempt != nullptr && !is_over(attempt->state) && attempt->decision.chosen;
  return open ? attempt : nullptr;
}

// Whether the job has to be run again through no doing of its tenant, who was not told to expect
// that.
bool sends_elsewhere(EndCode code, const JobRecord& job, const AttemptRecord& attempt) {
  switch (code) {
    case EndCode::engine_failed:
    case EndCode::interrupted:
    case EndCode::lease_expired: return true;
    case EndCode::canceled: return !job.cancel_requested;
    case EndCode::preempted: return !attempt.decision.chosen->preemptible;
    case EndCode::succeeded:
    case EndCode::failed:
    case EndCode::time_limit:
    case EndCode::stage_in_failed:
    case EndCode::stage_out_failed:
    case EndCode::out_of_memory: break;
  }
  return false;
}

}  // namespace

void Trust::fold(const JobRecord& job, const Entry& entry) {
  if (const auto* placed = std::get_if<JobDecided>(&entry.body)) {
    decided(*placed);
  } else if (const auto* taken = std::get_if<AttemptGranted>(&entry.body)) {
    if (const auto* attempt = open_attempt(job, *taken)) {
      granted(attempt->decision.chosen->site, taken->attempt, entry.at);
    }
  } else if (const auto* refused = std::get_if<AttemptRefused>(&entry.body)) {
    const auto* const attempt = open_attempt(job, *refused);
    if (attempt == nullptr) return;
    const SiteId& site = attempt->decision.chosen->site;
    // What is wrong with a job is its tenant's doing, and must lower no site's trust.
    if (refused->code == RefusalCode::invalid) return neither(site, refused->attempt);
    const bool failed =
        refused->code == RefusalCode::engine_down || refused->code == RefusalCode::unknown_pool;
    broken(site, refused->attempt, failed ? Breach::failure : Breach::refusal, attempt->decided,
           entry.at);
  } else if (const auto* lost = std::get_if<AttemptLost>(&entry.body)) {
    if (const auto* attempt = open_attempt(job, *lost)) {
      broken(attempt->decision.chosen->site, lost->attempt, Breach::loss, attempt->decided,
             entry.at);
    }
  } else if (const auto* ended = std::get_if<AttemptFinished>(&entry.body)) {
    const auto* const attempt = open_attempt(job, *ended);
    if (attempt == nullptr) return;
    const SiteId& site = attempt->decision.chosen->site;
    const EndCode code = ended->report.code;
    if (code == EndCode::succeeded) {
      kept(site, ended->attempt);
    } else if (sends_elsewhere(code, job, *attempt)) {
      broken(site, ended->attempt, Breach::failure, attempt->decided, entry.at);
    } else {
      neither(site, ended->attempt);
    }
  }
}

void Trust::decided(const JobDecided& decided) {
  if (!decided.decision.chosen) return;
  const auto site = sites_.find(decided.decision.chosen->site);
  if (site == sites_.end() || site->second.trust.state != TrustState::on_trial) return;
  site->second.tried = decided.attempt;
  set_state(site, TrustState::tried, kNever);
}

void Trust::granted(const SiteId& id, const AttemptId& attempt, Wall::time_point at) {
  const auto site = sites_.find(id);
  if (site == sites_.end() || site->second.trust.state != TrustState::tried) return;
  if (site->second.tried == attempt) set_state(site, TrustState::tried, at + trial_max);
}

void Trust::broken(const SiteId& id, const AttemptId& attempt, Breach breach,
                   Wall::time_point decided, Wall::time_point at) {
  const auto site = sites_.try_emplace(id).first;
  Standing& standing = site->second;
  lower(standing, breach, decided, at);
  changed_.push_back(id);
  const bool fell =
      standing.trust.state == TrustState::trusted && standing.trust.ppm < SiteTrust::least_ppm;
  const bool failed_trial = standing.trust.state == TrustState::tried && standing.tried == attempt;
  if (fell || failed_trial) distrust(site, at);
}

void Trust::kept(const SiteId& id, const AttemptId& attempt) {
  const auto site = sites_.find(id);
  if (site == sites_.end()) return;
  Standing& standing = site->second;
  raise(standing);
  changed_.push_back(id);
  if (standing.trust.state == TrustState::trusted) {
    if (standing.trust.ppm == ppm_one) sites_.erase(site);
  } else if (standing.trust.ppm >= SiteTrust::least_ppm ||
             (standing.trust.state == TrustState::tried && standing.tried == attempt)) {
    judge(site);
  }
}

void Trust::neither(const SiteId& id, const AttemptId& attempt) {
  const auto site = sites_.find(id);
  if (site == sites_.end() || site->second.trust.state != TrustState::tried) return;
  if (site->second.tried == attempt) judge(site);
}

// Of attempts that were under way together, the first that came to nothing counts: one outage, or
// one sheet that was seen late, is one broken promise.
void Trust::lower(Standing& standing, Breach breach, Wall::time_point decided,
                  Wall::time_point at) {
  static constexpr std::array kParts = {refusal_part, failure_part, loss_part};
  Wall::time_point& counted = standing.counted.at(static_cast<std::size_t>(breach));
  if (decided <= counted) return;
  counted = at;
  standing.trust.ppm -= part_of(standing.trust.ppm, kParts.at(static_cast<std::size_t>(breach)));
}

void Trust::raise(Standing& standing) {
  standing.trust.ppm += part_of(ppm_one - standing.trust.ppm, success_part);
  if (standing.trust.ppm >= restored_ppm) standing.span = {};
}

void Trust::distrust(Sites::iterator site, Wall::time_point at) {
  Standing& standing = site->second;
  standing.span = std::clamp(2 * standing.span, span_first, span_max);
  set_state(site, TrustState::distrusted, at + standing.span);
}

void Trust::judge(Sites::iterator site) {
  const bool again = site->second.trust.ppm >= SiteTrust::least_ppm;
  set_state(site, again ? TrustState::trusted : TrustState::on_trial, kNever);
}

void Trust::pass(Wall::time_point logged) {
  while (!due_.empty() && due_.begin()->first <= logged) {
    const auto site = sites_.find(due_.begin()->second);
    if (site->second.trust.state == TrustState::tried) raise(site->second);
    judge(site);
  }
}

void Trust::set_state(Sites::iterator site, TrustState state, Wall::time_point due) {
  Standing& standing = site->second;
  if (standing.due != kNever) due_.erase({standing.due, site->first});
  standing.due = due;
  if (due != kNever) due_.emplace(due, site->first);
  const bool was_trusted = standing.trust.state == TrustState::trusted;
  const bool trusted = state == TrustState::trusted;
  if (was_trusted && !trusted) ++distrusted_count_;
  if (!was_trusted && trusted) --distrusted_count_;
  standing.trust.state = state;
  standing.trust.until = state == TrustState::distrusted ? due : Wall::time_point{};
  changed_.push_back(site->first);
}

SiteTrust Trust::of(const SiteId& site) const {
  const auto found = sites_.find(site);
  return found == sites_.end() ? SiteTrust{} : found->second.trust;
}

std::vector<SiteId> Trust::on_trial() const {
  std::vector<SiteId> sites;
  if (distrusted_count_ == 0) return sites;
  for (const auto& [site, standing] : sites_) {
    if (standing.trust.state == TrustState::on_trial) sites.push_back(site);
  }
  return sites;
}

}  // namespace tradewind
