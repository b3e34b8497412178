// What each site's promises are worth, by what came of the attempts given to it: a fold of the
// journal's entries since the term began, on their time and no other, so that the log alone tells
// it. docs/routing.md, "Trust", has the rules. Pure; the core's thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "schemas/ids.h"
#include "schemas/journal.h"
#include "schemas/time.h"
#include "state/market/site_trust.h"

namespace tradewind {

class Trust {
 public:
  // A broken promise takes this part of the trust, rounded up:
  static constexpr std::int64_t refusal_part = 50;  // its sheet may just have been seen late
  static constexpr std::int64_t failure_part = 20;   // the job has to be run again elsewhere
  static constexpr std::int64_t loss_part = 2;
  // A job that succeeds gives back this part of what lacks, rounded up.
  static constexpr std::int64_t success_part = 4;
  // How long nothing goes to a site that is distrusted: doubles each time, until its trust has come
  // back to `restored_ppm`.
  static constexpr std::chrono::seconds span_first{30};
  static constexpr std::chrono::seconds span_max{600};
  static constexpr std::int64_t restored_ppm = 500'000;
  // An attempt on trial that the site has held for so long since its grant counts as a success.
  static constexpr std::chrono::seconds trial_max{600};

  // An entry about the job, as the job was before it. Entries come in their order.
  void fold(const JobRecord& job, const Entry& entry);
  // Entries from now on bear at least this time.
  void pass(Wall::time_point logged);

  SiteTrust of(const SiteId& site) const;
  // In order of their ids.
  std::vector<SiteId> on_trial() const;
  // That are not trusted, on trial or not.
  std::size_t distrusted_count() const { return distrusted_count_; }
  // Sites whose trust has changed since the last call.
  std::vector<SiteId> take_changed() { return std::exchange(changed_, {}); }

 private:
  enum class Breach : std::uint8_t { refusal, failure, loss };
  struct Standing {
    SiteTrust trust;
    // When a breach of each kind last counted.
    std::array<Wall::time_point, 3> counted{};
    std::chrono::seconds span{};  // the last one; 0: the next is the first
    AttemptId tried;
    // When pass() is to look at it; its key in due_.
    Wall::time_point due = Wall::time_point::max();
  };
  using Sites = std::map<SiteId, Standing>;

  void decided(const JobDecided& decided);
  void granted(const SiteId& site, const AttemptId& attempt, Wall::time_point at);
  void broken(const SiteId& site, const AttemptId& attempt, Breach breach, Wall::time_point decided,
              Wall::time_point at);
  void kept(const SiteId& site, const AttemptId& attempt);
  // The attempt is over and tells nothing of the site.
  void neither(const SiteId& site, const AttemptId& attempt);
  void lower(Standing& standing, Breach breach, Wall::time_point decided, Wall::time_point at);
  void raise(Standing& standing);
  void distrust(Sites::iterator site, Wall::time_point at);
  // A trial is over without a breach: the site is trusted again, or gets the next one.
  void judge(Sites::iterator site);
  void set_state(Sites::iterator site, TrustState state, Wall::time_point due);

  Sites sites_;  // that are not fully trusted
  std::set<std::pair<Wall::time_point, SiteId>> due_;
  std::size_t distrusted_count_ = 0;
  std::vector<SiteId> changed_;
};

}  // namespace tradewind
