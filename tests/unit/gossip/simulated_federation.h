// A federation of gossiping nodes in one thread: virtual time, delays by region, loss, cuts, clocks
// that are off, and a relay that replays and corrupts. Everything comes from one seed; the same
// seed gives the same trace hash.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "state/gossip/gossip.h"
#include "state/gossip/random.h"

namespace tradewind::toy {

struct FederationOptions {
  std::uint64_t seed = 1;
  std::uint32_t sites = 100;
  std::uint32_t regions = 10;
  std::uint32_t loss_percent = 1;
  std::uint32_t copies_percent = 0;     // of messages that arrive twice
  std::chrono::milliseconds jitter{2};  // of delays; beyond a round trip it also reorders
  std::uint32_t brokers = 0;
  CellSizes cell_sizes;
  std::chrono::milliseconds clock_offset_max{2'000};  // of a node's wall clock, either way
  // Sites publish each publish_interval_max; with this probability (percent) a change that matters.
  std::uint32_t news_percent = 20;
  bool signatures_checked = true;  // false: the canary, which must be caught
  bool two_faced = false;  // site 1 tells every other node another price under the same version
  bool byzantine = false;  // site 0 relays nothing and sends old, corrupted and forged records
};

class SimulatedFederation {
 public:
  explicit SimulatedFederation(const FederationOptions& options);

  // Lets virtual time pass.
  void run(Mono::duration span);
  // Lets time pass until `done` or the span is over; returns the time it took.
  template <class Done>
  std::optional<Mono::duration> run_until(Mono::duration span, Done done) {
    const Mono::time_point start = now_;
    const Mono::time_point end = now_ + span;
    while (now_ < end) {
      run(std::chrono::milliseconds(50));
      if (done()) return now_ - start;
    }
    return std::nullopt;
  }

  // Whether sites publish of themselves; while they do, someone is always a little behind.
  void set_publishing(bool on) { publishing_ = on; }
  // Whether every live honest node holds the newest member record of every such site, and the site
  // and quote records of those that it is to hold: all, or its cell's.
  bool converged() const;
  // Whether every live honest node that is to hold it holds this version (or a newer one) of the
  // site's sheet.
  bool all_hold_sheet(std::uint32_t site, std::uint64_t version) const;
  // Publishes a sheet that matters at the site now; returns its version.
  std::uint64_t publish_news(std::uint32_t site);
  void revoke(std::uint32_t site);
  // Whether every other live honest node has the proof that the site told two stories.
  bool all_quarantine(std::uint32_t site) const;
  // How many proofs of other sites there are.
  std::size_t slandered(std::uint32_t site) const;
  // Whether all others do.
  bool all_know_revoked(std::uint32_t site) const;
  // Cuts the regions below `border` from the others; nodes lose sight of the other side, and know
  // only one seed there.
  void cut(std::uint32_t border);
  void heal();
  // From now on nothing that the one region's nodes send reaches the other's.
  void drop(std::uint32_t from_region, std::uint32_t to_region);
  // A new site, which knows one other, and whom nobody knows; returns its number.
  std::uint32_t join();
  // The site's node stops for good.
  void kill(std::uint32_t site);
  // All nodes stop, and start again at once with nothing but what is their own.
  void restart_all();
  // Sent by any one node, at most, since the start or the last restart.
  std::uint64_t bytes_sent_most() const;
  // A node that relays the site's cell now.
  std::uint32_t relay_of(std::uint32_t site) const;
  // Valid sheets that some site holds of another cell.
  std::size_t foreign_sheets() const;

  std::uint64_t trace_hash() const { return trace_; }
  // Acceptances that must not have happened: forged, altered, ended, or older than one before.
  const std::vector<std::string>& violations() const { return violations_; }
  std::map<DropReason, std::uint64_t> drops() const;
  std::uint64_t bytes_sent() const;
  std::uint64_t taken() const { return taken_; }

 private:
  struct Node {
    std::string site;  // empty: a broker
    NodeId id;
    std::uint32_t region = 0;
    Mono::duration clock_offset{};
    std::uint64_t epoch = 1;
    std::uint64_t version = 0;  // of its newest sheet
    std::uint32_t units_free = 50;
    bool revoked = false;
    bool dead = false;
    Mono::time_point next_publication{};
    Mono::time_point tick_at = Mono::time_point::max();
    std::set<NodeId> reachable;
    std::vector<NodeId> seeds;
    std::map<std::pair<NodeId, RecordKind>, RecordVersion> seen;  // newest that it took
    std::optional<Gossip> gossip;
  };
  struct Event {
    Mono::time_point when{};
    std::uint64_t order = 0;
    std::uint32_t node = 0;
    std::optional<std::pair<NodeId, GossipMessage>> message;  // nothing: a tick
    bool operator>(const Event& other) const {
      return when != other.when ? when > other.when : order > other.order;
    }
  };

  Now now_of(const Node& node) const;
  bool honest(std::uint32_t index) const { return !options_.byzantine || index != 0; }
  bool counts(std::uint32_t index) const {
    return honest(index) && !nodes_[index].dead && !nodes_[index].revoked;
  }
  Cells cells() const;
  bool is_to_hold(const Cells& cells, const Node& node, const Node& site) const;
  void start(std::uint32_t index);
  void reach_all(Node& node);
  void publish(std::uint32_t index, const SignedRecord& record);
  void publish_sheet(std::uint32_t index, bool matters);
  void handle(std::uint32_t index, GossipOutput output);
  void check(Node& node, const Accepted& accepted);
  void meet(Node& node, const Accepted& accepted);
  void send(std::uint32_t from, GossipOutput::Send sent);
  void schedule_tick(std::uint32_t index);
  void misbehave(const GossipMessage& received);
  bool severed(const Node& one, const Node& other) const;
  void trace(std::string_view what, std::uint64_t number);

  FederationOptions options_;
  Random random_;
  std::vector<Node> nodes_;
  std::map<NodeId, std::uint32_t> index_of_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  Mono::time_point now_{};
  bool publishing_ = true;
  std::optional<std::uint32_t> border_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> dropped_;  // regions, from and to
  std::set<Bytes> genuine_;              // bodies that their owners have signed
  std::vector<SignedRecord> overheard_;  // by the byzantine relay
  std::uint64_t trace_ = 0xcbf29ce484222325ULL;
  std::vector<std::string> violations_;
  std::uint64_t taken_ = 0;
};

}  // namespace tradewind::toy
