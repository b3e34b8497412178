#include "tests/bench/gossip_simulation.h"

#include <algorithm>
#include <fstream>

#include "schemas/codec.h"
#include "schemas/ids.h"
#include "schemas/limits.h"

namespace tradewind::bench {
namespace {

using namespace std::chrono_literals;

constexpr Wall::time_point epoch = wall_from_ms(1'800'000'000'000);
constexpr std::uint32_t regions = 10;
constexpr std::array<const char*, 4> pools = {"cpu-small", "cpu-large", "a100", "h100"};

// Half of round trips measured between cloud regions: Virginia, Oregon, São Paulo, Ireland,
// Frankfurt, Cape Town, Mumbai, Singapore, Tokyo, Sydney.
constexpr Delays table = {{
    {1, 34, 58, 42, 45, 110, 94, 118, 84, 98},
    {34, 1, 93, 61, 73, 140, 105, 84, 49, 69},
    {58, 93, 1, 90, 101, 168, 149, 179, 141, 154},
    {42, 61, 90, 1, 11, 78, 61, 90, 107, 127},
    {45, 74, 102, 11, 1, 82, 57, 78, 112, 123},
    {110, 140, 168, 76, 82, 1, 79, 101, 185, 202},
    {94, 106, 150, 60, 57, 78, 1, 30, 65, 69},
    {118, 82, 180, 89, 78, 101, 30, 1, 39, 47},
    {84, 49, 141, 107, 111, 185, 65, 36, 1, 57},
    {99, 69, 154, 128, 123, 202, 72, 47, 57, 1},
}};

Bytes random_bytes(Random& random, std::size_t length) {
  Bytes bytes;
  while (bytes.size() < length) {
    const std::uint64_t bits = random.bits();
    for (unsigned shift = 0; shift < 64 && bytes.size() < length; shift += 8) {
      bytes.push_back(static_cast<char>((bits >> shift) & 0xffU));
    }
  }
  return bytes;
}

double seconds(Mono::duration span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

Delays delays_of(const std::string& file) {
  if (file.empty()) return table;
  Delays delays{};
  std::ifstream stream(file);
  for (auto& row : delays) {
    for (double& each : row) stream >> each;
  }
  return stream ? delays : table;
}

GossipSimulation::GossipSimulation(const GossipWorld& world) : world_(world), random_(world.seed) {
  for (std::uint32_t i = 0; i < world.sites; ++i) {
    Site site;
    site.region = RegionId{"region-" + std::to_string(i % regions)};
    site.id = site_node(SiteId{"region-" + std::to_string(i % regions) + "-" + std::to_string(i)});
    // A federation of two years, whose sites have published for up to half a year.
    site.epoch = 1'730'000'000 + random_.below(60'000'000);
    site.version = 1 + random_.below(3'000'000);
    site.next = Mono::time_point(std::chrono::microseconds(random_.below(5'000'000)));
    due_.emplace(-site.next.time_since_epoch().count(), i);
    site_of_[site.id] = i;
    sites_.push_back(std::move(site));
  }
  make_nodes();
  know_members();
  connect();
}

void GossipSimulation::add_node(NodeId id, Role role, std::uint32_t region) {
  Node node;
  node.id = id;
  node.role = role;
  node.region = region;
  GossipOptions options;
  options.self = id;
  options.region = RegionId{role == Role::broker ? "" : "region-" + std::to_string(region)};
  options.registry_keys = {Bytes(32, 'r')};
  options.seed = random_.bits();
  node.gossip.emplace(options, [](BytesView, BytesView, BytesView) { return true; });
  node_of_[id] = nodes();
  nodes_.push_back(std::move(node));
}

void GossipSimulation::make_nodes() {
  std::vector<NodeId> ids;
  for (const Site& each : sites_) ids.push_back(each.id);
  const Cells cells({}, ids);
  for (std::uint32_t i = 0; i < world_.brokers; ++i) {
    add_node(broker_node("broker-" + std::to_string(i)), Role::broker, i % regions);
  }
  std::uint32_t full = 0;
  for (const Cell& cell : cells.all()) {
    const auto relays = cells.relays_of(cell, [](const NodeId&) { return true; });
    const bool whole = world_.full_cells == 0 || full++ < world_.full_cells;
    const std::vector<NodeId> members = cells.sites_in(cell);
    const auto is_relay = [&](const NodeId& each) {
      return cells.divided() && std::find(relays.begin(), relays.end(), each) != relays.end();
    };
    std::vector<std::uint32_t> here;
    for (const NodeId& each : whole ? members : relays) {
      here.push_back(nodes());
      add_node(each, is_relay(each) ? Role::relay : Role::ordinary, site_of_.at(each) % regions);
    }
    for (const NodeId& each : members) {
      Site& site = sites_[site_of_.at(each)];
      site.holders = here;
      for (std::uint32_t i = 0; i < world_.brokers; ++i) site.holders.push_back(i);
      const auto own = node_of_.find(each);
      site.publishers = own == node_of_.end() ? here : std::vector<std::uint32_t>{own->second};
    }
  }
}

RecordHeader GossipSimulation::header(const Site& site, std::uint32_t number, RecordKind kind,
                                      Wall::duration validity) {
  return RecordHeader{.kind = kind,
                      .subject = site.id,
                      .member = MemberNumber{number},
                      .version = RecordVersion{site.epoch, site.version},
                      .issued = now().wall,
                      .valid_until = now().wall + validity};
}

SignedRecord GossipSimulation::sign(const Record& record) {
  return SignedRecord{.body = encode(record), .signature = random_bytes(random_, 64)};
}

SignedRecord GossipSimulation::site_record(std::uint32_t index) {
  const Site& site = sites_[index];
  SiteRecord body;
  body.site = SiteId{site.id.value.substr(5)};
  body.region = site.region;
  body.jurisdiction = Jurisdiction{"JP"};
  body.provider = "a centre";
  for (const char* each : pools) {
    Pool pool;
    pool.id = PoolId{each};
    pool.nodes = 10;
    pool.node = Resources{.cpus = 10, .memory_mib = 10'240};
    pool.unit = Resources{.cpus = 1, .memory_mib = 1'024};
    pool.performance_ppm["default"] = ppm_one;
    body.pools.push_back(std::move(pool));
  }
  return sign(Record{header(site, index + 1, RecordKind::site, 24h), std::move(body)});
}

void GossipSimulation::know_members() {
  const auto tell_all = [this](const SignedRecord& record) {
    for (Node& each : nodes_) each.gossip->publish(record, now());
  };
  for (std::uint32_t i = 0; i < world_.brokers; ++i) {
    Member member;
    member.node = nodes_[i].id;
    member.number = MemberNumber{world_.sites + 1 + i};
    member.identity_key = random_bytes(random_, 32);
    member.curve_key = random_bytes(random_, 32);
    tell_all(sign(Record{
        {RecordKind::member, member.node, member.number, {1, 1}, now().wall, now().wall + 24h},
        member}));
  }
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    Member member;
    member.node = sites_[i].id;
    member.number = MemberNumber{i + 1};
    member.identity_key = random_bytes(random_, 32);
    member.curve_key = random_bytes(random_, 32);
    tell_all(sign(Record{header(sites_[i], i + 1, RecordKind::member, 24h), member}));
    const SignedRecord record = site_record(i);
    for (const std::uint32_t each : sites_[i].holders) nodes_[each].gossip->publish(record, now());
  }
}

// Everybody reaches the brokers and who is to hold the same.
void GossipSimulation::connect() {
  for (Site& each : sites_) {
    each.is_holder.assign(nodes_.size(), false);
    for (const std::uint32_t holder : each.holders) each.is_holder[holder] = true;
  }
  for (Node& each : nodes_) each.sees.assign(nodes_.size(), false);
  for (const Site& site : sites_) {
    const auto own = node_of_.find(site.id);
    if (own == node_of_.end()) continue;
    for (const std::uint32_t other : site.holders) {
      nodes_[own->second].sees[other] = nodes_[other].sees[own->second] = true;
    }
  }
  for (std::uint32_t i = 0; i < world_.brokers; ++i) {
    for (std::uint32_t j = 0; j < world_.brokers; ++j) nodes_[i].sees[j] = true;
  }
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    set_peers(nodes_[i]);
    // Nobody starts in step.
    const Mono::time_point first(std::chrono::microseconds(random_.below(1'000'000)));
    nodes_[i].tick_at = first;
    events_.push(Event{first, ++order_, i, 0, nullptr, 0});
  }
}

void GossipSimulation::set_peers(Node& node) {
  std::vector<NodeId> reachable;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (node.sees[i]) reachable.push_back(nodes_[i].id);
  }
  node.gossip->set_peers(std::move(reachable), node.seeds);
}

Now GossipSimulation::now() const {
  return Now{.mono = now_, .wall = epoch + now_.time_since_epoch()};
}

void GossipSimulation::publish(std::uint32_t index) {
  Site& site = sites_[index];
  ++site.version;
  if (random_.below(100) < world_.news_percent) site.free = site.free == 40 ? 20 : 40;
  QuoteSheet sheet;
  sheet.site = SiteId{site.id.value.substr(5)};
  for (const char* each : pools) {
    sheet.pools.push_back(PoolQuote{.pool = PoolId{each},
                                    .units_free = site.free,
                                    .units_free_node = 8,
                                    .nodes_free = 3,
                                    .wait_seconds = 0,
                                    .price_ppm = 1'250'000});
  }
  const SignedRecord record =
      sign(Record{header(site, index + 1, RecordKind::quote, limits::quote_validity), sheet});
  ++sheets_sent_;
  sheet_bytes_ += packed_bytes(record.body) + record.signature.size() + 12;
  site.publications.push_back(Publication{site.version, now_,
                                          static_cast<std::uint32_t>(site.holders.size()),
                                          now_ >= counting_since_});
  if (site.publications.size() > 400) site.publications.pop_front();
  const std::uint32_t publisher = site.publishers[random_.below(site.publishers.size())];
  handle(publisher, nodes_[publisher].gossip->publish(record, now()));
}

void GossipSimulation::note_held(std::uint32_t node, const Accepted& accepted) {
  const RecordHeader& record = accepted.record.header;
  if (record.kind != RecordKind::quote) return;
  const std::uint32_t index = site_of_.at(record.subject);
  Site& site = sites_[index];
  if (!site.is_holder[node]) return;
  std::uint64_t& held = nodes_[node].held[index];
  for (auto each = site.publications.rbegin();
       each != site.publications.rend() && each->version > held; ++each) {
    if (each->version > record.version.version) continue;
    const double taken = seconds(now_ - each->at);
    if (each->counted && each->at >= counting_since_) held_by_one_.push_back(taken);
    if (--each->missing == 0 && each->counted && each->at >= counting_since_) {
      held_by_all_.push_back(taken);
    }
  }
  held = std::max(held, record.version.version);
}

void GossipSimulation::run(Mono::duration span) {
  const Mono::time_point end = now_ + span;
  while (true) {
    const Mono::time_point publication(Mono::duration(-due_.top().first));
    const bool is_event = !events_.empty() && events_.top().when < publication;
    const Mono::time_point when = is_event ? events_.top().when : publication;
    if (when >= end) break;
    now_ = when;
    if (!is_event) {
      const std::uint32_t site = due_.top().second;
      due_.pop();
      due_.emplace(-(when + limits::publish_interval_max).time_since_epoch().count(), site);
      publish(site);
      continue;
    }
    const Event event = events_.top();
    events_.pop();
    Node& node = nodes_[event.node];
    if (event.message) {
      node.received += event.bytes;
      // As a shell does: who has sent can be sent to.
      if (!node.sees[event.from]) {
        node.sees[event.from] = true;
        set_peers(node);
      }
      handle(event.node, node.gossip->receive(nodes_[event.from].id, *event.message, now()));
    } else if (node.tick_at == event.when) {
      node.tick_at = Mono::time_point::max();
      handle(event.node, node.gossip->tick(now()));
    }
  }
  now_ = end;
}

void GossipSimulation::handle(std::uint32_t index, GossipOutput output) {
  for (const Accepted& each : output.accepted) note_held(index, each);
  for (GossipOutput::Send& each : output.sends) send(index, std::move(each));
  Node& node = nodes_[index];
  const Mono::time_point when = std::max(node.gossip->next_tick(), now_);
  if (when >= node.tick_at) return;
  node.tick_at = when;
  events_.push(Event{when, ++order_, index, 0, nullptr, 0});
}

bool GossipSimulation::severed(const Node& one, const Node& other) const {
  return cut_ && (one.region < regions / 2) != (other.region < regions / 2);
}

void GossipSimulation::send(std::uint32_t from, GossipOutput::Send sent) {
  const auto place = node_of_.find(sent.to);
  if (place == node_of_.end()) return;
  const std::uint32_t to = place->second;
  const std::size_t bytes = encode(sent.message).size();
  nodes_[from].sent += bytes;
  const bool lost = random_.below(100) < world_.loss_percent;
  if (lost || severed(nodes_[from], nodes_[to])) return;
  const double delay_ms = world_.delays[nodes_[from].region][nodes_[to].region];
  const auto delay = std::chrono::microseconds(static_cast<std::int64_t>(delay_ms * 1'000) +
                                               static_cast<std::int64_t>(random_.below(2'000)));
  events_.push(Event{now_ + delay, ++order_, to, from,
                     std::make_shared<const GossipMessage>(std::move(sent.message)), bytes});
}

void GossipSimulation::cut() {
  cut_ = true;
  for (Node& node : nodes_) {
    node.seeds.clear();
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      if (!node.sees[i] || !severed(node, nodes_[i])) continue;
      node.sees[i] = false;
      if (node.seeds.empty()) node.seeds.push_back(nodes_[i].id);
    }
    set_peers(node);
  }
}

void GossipSimulation::heal() {
  cut_ = false;
}

void GossipSimulation::begin_counting() {
  counting_since_ = now_;
  held_by_all_.clear();
  held_by_one_.clear();
  for (Node& each : nodes_) {
    each.sent = 0;
    each.received = 0;
    each.before = each.gossip->counters();
  }
}

GossipSimulation::Traffic GossipSimulation::traffic(Role role) const {
  Traffic result;
  const double span = seconds(now_ - counting_since_);
  for (const Node& each : nodes_) {
    if (each.role != role) continue;
    const GossipCounters& counters = each.gossip->counters();
    ++result.nodes;
    result.sent += static_cast<double>(each.sent) / span;
    result.received += static_cast<double>(each.received) / span;
    result.received_most =
        std::max(result.received_most, static_cast<double>(each.received) / span);
    result.verified += static_cast<double>(counters.verified - each.before.verified) / span;
    result.rounds += static_cast<double>(counters.rounds - each.before.rounds) / span;
    result.early_rounds +=
        static_cast<double>(counters.early_rounds - each.before.early_rounds) / span;
    result.records +=
        static_cast<double>(counters.records_received - each.before.records_received) / span;
  }
  const double nodes = std::max(1U, result.nodes);
  for (double* each : {&result.sent, &result.received, &result.verified, &result.rounds,
                       &result.early_rounds, &result.records}) {
    *each /= nodes;
  }
  return result;
}

std::vector<double> GossipSimulation::held_by_all() const {
  std::vector<double> sorted = held_by_all_;
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

std::uint64_t GossipSimulation::missed(Mono::duration age) const {
  std::uint64_t count = 0;
  for (const Site& each : sites_) {
    // The newest that is old enough; what was superseded before need not have reached everybody.
    const auto newest = std::find_if(each.publications.rbegin(), each.publications.rend(),
                                     [&](const Publication& one) { return one.at <= now_ - age; });
    if (newest != each.publications.rend()) count += newest->missing > 0 ? 1 : 0;
  }
  return count;
}

double GossipSimulation::mean_sheet_wire_bytes() const {
  return static_cast<double>(sheet_bytes_) /
         static_cast<double>(std::max<std::uint64_t>(1, sheets_sent_));
}

}  // namespace tradewind::bench
