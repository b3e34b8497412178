// A large federation of gossiping nodes in one thread and virtual time: the cores of state/gossip
// as they are, messages encoded as on links and counted in those bytes, delays between regions,
// loss, cuts. Signatures are stand-ins: made up, and every check of one counted and passed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "state/gossip/gossip.h"
#include "state/gossip/random.h"

namespace tradewind::bench {

// One way, in milliseconds, from the row's region to the column's.
using Delays = std::array<std::array<double, 10>, 10>;
// Of ten regions around the world; as read from a file of a hundred numbers, else a table.
Delays delays_of(const std::string& file);

struct GossipWorld {
  std::uint32_t sites = 1'000;
  std::uint32_t brokers = 1;
  // Of a divided federation: cells whose sites are all there as nodes. Of the other cells only the
  // relays are, and publish for the whole cell. 0: all sites are nodes.
  std::uint32_t full_cells = 0;
  std::uint32_t loss_percent = 1;
  std::uint32_t news_percent = 20;  // of publications, every 5 s, that change a pool by half
  std::uint64_t seed = 1;
  Delays delays{};
};

class GossipSimulation {
 public:
  explicit GossipSimulation(const GossipWorld& world);

  void run(Mono::duration span);
  // Whether the regions below five hear the others. A node loses sight of the other side but for
  // one seed there, and finds back through those.
  void cut();
  void heal();
  // Forgets what was counted so far.
  void begin_counting();

  enum class Role : std::uint8_t { ordinary, relay, broker };
  struct Traffic {
    std::uint32_t nodes = 0;
    double sent = 0;  // bytes a second, mean over the role's nodes
    double received = 0;
    double received_most = 0;  // of the node that received most
    double verified = 0;       // signatures a second
    double rounds = 0;
    double early_rounds = 0;
    double records = 0;  // a second, received
  };
  Traffic traffic(Role role) const;
  // Seconds from a publication until the last node that is to hold it held it or a newer one, of
  // the publications that began and ended while counted; in rising order.
  std::vector<double> held_by_all() const;
  // The same until each single node did.
  std::vector<double> held_by_one() const { return held_by_one_; }
  // Publications of at least this age that some node does not hold, nor a newer one.
  std::uint64_t missed(Mono::duration age) const;
  // Whether everybody holds everything newest, as of what is not younger than `age`.
  bool converged(Mono::duration age) const { return missed(age) == 0; }
  double mean_sheet_wire_bytes() const;
  std::uint32_t nodes() const { return static_cast<std::uint32_t>(nodes_.size()); }

 private:
  struct Node {
    NodeId id;
    Role role = Role::ordinary;
    std::uint32_t region = 0;
    std::optional<Gossip> gossip;
    std::vector<std::uint32_t> peers;  // reachable
    std::vector<bool> sees;            // by node
    std::vector<NodeId> seeds;
    Mono::time_point tick_at = Mono::time_point::max();
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    GossipCounters before;
    std::map<std::uint32_t, std::uint64_t> held;  // version by site
  };
  struct Publication {
    std::uint64_t version = 0;
    Mono::time_point at;
    std::uint32_t missing = 0;
    bool counted = false;
  };
  struct Site {
    NodeId id;
    RegionId region;
    std::uint64_t epoch = 0;
    std::uint64_t version = 0;
    std::vector<std::uint32_t> publishers;  // nodes; the site's own, or its cell's relays
    std::vector<std::uint32_t> holders;     // nodes that are to hold its sheets
    std::vector<bool> is_holder;            // by node
    std::uint32_t free = 40;
    Mono::time_point next;
    std::deque<Publication> publications;  // the newest last
  };
  struct Event {
    Mono::time_point when;
    std::uint64_t order = 0;
    std::uint32_t node = 0;
    std::uint32_t from = 0;
    std::shared_ptr<const GossipMessage> message;  // none: a tick
    std::size_t bytes = 0;
    bool operator<(const Event& other) const {
      return when != other.when ? when > other.when : order > other.order;
    }
  };

  void make_nodes();
  void add_node(NodeId id, Role role, std::uint32_t region);
  void know_members();
  void connect();
  Now now() const;
  SignedRecord sign(const Record& record);
  RecordHeader header(const Site& site, std::uint32_t number, RecordKind kind,
                      Wall::duration validity);
  SignedRecord site_record(std::uint32_t site);
  void publish(std::uint32_t site);
  void handle(std::uint32_t node, GossipOutput output);
  void send(std::uint32_t from, GossipOutput::Send sent);
  void note_held(std::uint32_t node, const Accepted& accepted);
  void set_peers(Node& node);
  bool severed(const Node& one, const Node& other) const;

  GossipWorld world_;
  Random random_;
  std::vector<Site> sites_;
  std::vector<Node> nodes_;
  std::map<NodeId, std::uint32_t> node_of_;
  std::map<NodeId, std::uint32_t> site_of_;
  std::priority_queue<Event> events_;
  std::priority_queue<std::pair<std::int64_t, std::uint32_t>> due_;  // minus microseconds, site
  std::uint64_t order_ = 0;
  Mono::time_point now_{};
  Mono::time_point counting_since_{};
  bool cut_ = false;
  std::vector<double> held_by_all_;
  std::vector<double> held_by_one_;
  std::uint64_t sheets_sent_ = 0;
  std::uint64_t sheet_bytes_ = 0;
};

}  // namespace tradewind::bench
