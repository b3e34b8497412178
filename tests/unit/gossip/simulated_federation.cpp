#include "tests/unit/gossip/simulated_federation.h"

#include <algorithm>

#include "schemas/ids.h"
#include "schemas/limits.h"
#include "tests/unit/gossip/toy_records.h"

namespace tradewind::toy {
namespace {

using namespace std::chrono_literals;

NodeId node_id(const std::string& site) {
  return site_node(SiteId{site});
}

}  // namespace

SimulatedFederation::SimulatedFederation(const FederationOptions& options)
    : options_(options), random_(options.seed) {
  nodes_.resize(options.sites + options.brokers);
  const auto span = static_cast<std::uint64_t>(2 * options.clock_offset_max.count() + 1);
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    if (i < options.sites) {
      node.site = "s" + std::to_string(i);
      node.id = node_id(node.site);
    } else {
      node.id = broker_node("b" + std::to_string(i));
    }
    node.region = i % options.regions;
    node.clock_offset = std::chrono::milliseconds(random_.below(span)) - options.clock_offset_max;
    node.next_publication = Mono::time_point(std::chrono::milliseconds(random_.below(5'000)));
    index_of_[node.id] = i;
  }
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    for (const Node& other : nodes_) nodes_[i].reachable.insert(other.id);
    start(i);
  }
}

void SimulatedFederation::start(std::uint32_t index) {
  Node& node = nodes_[index];
  GossipOptions options;
  options.self = node.id;
  if (!node.site.empty()) options.region = RegionId{"r" + std::to_string(node.region)};
  options.registry_keys = {key_of("registry")};
  options.cell_sizes = options_.cell_sizes;
  options.seed = random_.bits();
  const Gossip::Verify trusting = [](BytesView, BytesView, BytesView) { return true; };
  node.gossip.emplace(options, options_.signatures_checked ? Gossip::Verify(verify) : trusting);
  reach_all(node);
  if (node.site.empty()) {
    publish(index, broker_member("b" + std::to_string(index), index + 1));
    return;
  }
  const Stamp stamp{.site = node.site,
                    .number = index + 1,
                    .epoch = node.epoch,
                    .issued = std::chrono::duration_cast<std::chrono::milliseconds>(
                        now_.time_since_epoch() + node.clock_offset)};
  publish(index, member(stamp));
  publish(index, site(stamp, options.region.value));
  publish_sheet(index, true);
}

void SimulatedFederation::reach_all(Node& node) {
  node.gossip->set_peers({node.reachable.begin(), node.reachable.end()}, node.seeds);
}

std::uint32_t SimulatedFederation::join() {
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  Node& node = nodes_.emplace_back();
  node.site = "s" + std::to_string(index);
  node.id = node_id(node.site);
  node.region = index % options_.regions;
  node.next_publication = now_ + std::chrono::milliseconds(random_.below(5'000));
  index_of_[node.id] = index;
  std::uint32_t sponsor = 0;
  while (!counts(sponsor)) ++sponsor;
  node.reachable.insert(nodes_[sponsor].id);
  start(index);
  return index;
}

void SimulatedFederation::restart_all() {
  const std::vector<NodeId> brokers = [this] {
    std::vector<NodeId> found;
    for (const Node& each : nodes_) {
      if (each.site.empty()) found.push_back(each.id);
    }
    return found;
  }();
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    ++node.epoch;
    node.version = 0;
    node.seen.clear();
    node.tick_at = Mono::time_point::max();
    // What a member record names is all that is left: where the brokers are.
    node.reachable = {brokers.begin(), brokers.end()};
    start(i);
  }
}

std::uint64_t SimulatedFederation::bytes_sent_most() const {
  std::uint64_t most = 0;
  for (const Node& each : nodes_) most = std::max(most, each.gossip->counters().bytes_sent);
  return most;
}

void SimulatedFederation::kill(std::uint32_t site) {
  nodes_[site].dead = true;
}

Cells SimulatedFederation::cells() const {
  std::vector<NodeId> sites;
  for (const Node& each : nodes_) {
    if (!each.site.empty() && !each.revoked) sites.push_back(each.id);
  }
  return Cells(options_.cell_sizes, sites);
}

bool SimulatedFederation::is_to_hold(const Cells& cells, const Node& node, const Node& site) const {
  return node.site.empty() || cells.cell_of(node.id) == cells.cell_of(site.id);
}

std::uint32_t SimulatedFederation::relay_of(std::uint32_t site) const {
  const Cells all = cells();
  const auto live = [this](const NodeId& each) { return !nodes_[index_of_.at(each)].dead; };
  return index_of_.at(all.relays_of(all.cell_of(nodes_[site].id), live).front());
}

std::size_t SimulatedFederation::foreign_sheets() const {
  const Cells all = cells();
  std::size_t count = 0;
  for (const Node& node : nodes_) {
    for (const Node& other : nodes_) {
      if (other.site.empty() || is_to_hold(all, node, other)) continue;
      count += node.gossip->find(other.id, RecordKind::quote) != nullptr ? 1 : 0;
    }
  }
  return count;
}

void SimulatedFederation::drop(std::uint32_t from_region, std::uint32_t to_region) {
  dropped_.emplace(from_region, to_region);
}

Now SimulatedFederation::now_of(const Node& node) const {
  Now now = at(now_.time_since_epoch());
  now.wall += node.clock_offset;
  return now;
}

void SimulatedFederation::publish(std::uint32_t index, const SignedRecord& record) {
  genuine_.insert(record.body);
  handle(index, nodes_[index].gossip->publish(record, now_of(nodes_[index])));
}

void SimulatedFederation::publish_sheet(std::uint32_t index, bool matters) {
  Node& node = nodes_[index];
  if (matters) node.units_free = node.units_free == 50 ? 20 : 50;
  const auto issued = std::chrono::duration_cast<std::chrono::milliseconds>(
      now_.time_since_epoch() + node.clock_offset);
  toy::Stamp times{.site = node.site,
                   .number = index + 1,
                   .version = ++node.version,
                   .epoch = node.epoch,
                   .issued = issued};
  publish(index, quote(times, node.units_free));
  if (!options_.two_faced || index != 1) return;
  const SignedRecord other = quote(times, node.units_free, ppm_one / 2);
  genuine_.insert(other.body);
  for (std::uint32_t i = 2; i < nodes_.size(); i += 2) {
    if (!nodes_[i].gossip) continue;  // it has not started yet
    handle(i, nodes_[i].gossip->receive(node.id, GossipMessage{1, GossipAck{{other}, {}, {}}},
                                        now_of(nodes_[i])));
  }
}

std::uint64_t SimulatedFederation::publish_news(std::uint32_t site) {
  publish_sheet(site, true);
  return nodes_[site].version;
}

void SimulatedFederation::revoke(std::uint32_t site) {
  nodes_[site].revoked = true;
  std::uint32_t registry = 0;  // any node but the one concerned
  while (!counts(registry)) ++registry;
  const auto issued = std::chrono::duration_cast<std::chrono::milliseconds>(
      now_.time_since_epoch() + nodes_[registry].clock_offset);
  publish(registry,
          member({.site = nodes_[site].site, .number = site + 1, .version = 2, .issued = issued},
                 MemberState::revoked));
}

void SimulatedFederation::run(Mono::duration span) {
  const Mono::time_point end = now_ + span;
  while (true) {
    // Publications are no events of their own: the one that is due first competes with the queue.
    const auto due = std::min_element(
        nodes_.begin(), nodes_.end(),
        [](const Node& x, const Node& y) { return x.next_publication < y.next_publication; });
    const bool queue_first = !events_.empty() && events_.top().when < due->next_publication;
    const Mono::time_point when = queue_first ? events_.top().when : due->next_publication;
    if (when >= end) break;
    now_ = when;
    if (!queue_first) {
      due->next_publication += limits::publish_interval_max;
      if (publishing_ && !due->revoked && !due->dead && !due->site.empty()) {
        publish_sheet(static_cast<std::uint32_t>(due - nodes_.begin()),
                      random_.below(100) < options_.news_percent);
      }
      continue;
    }
    const Event event = events_.top();
    events_.pop();
    Node& node = nodes_[event.node];
    if (node.dead) continue;
    if (event.message) {
      const auto& [from, message] = *event.message;
      // As a shell does: who has sent can be sent to.
      if (node.reachable.insert(from).second) {
        reach_all(node);
      }
      if (!honest(event.node)) misbehave(message);
      handle(event.node, node.gossip->receive(from, message, now_of(node)));
    } else if (node.tick_at == event.when) {
      node.tick_at = Mono::time_point::max();
      handle(event.node, node.gossip->tick(now_of(node)));
    }
  }
  now_ = end;
}

void SimulatedFederation::handle(std::uint32_t index, GossipOutput output) {
  for (const Accepted& each : output.accepted) {
    check(nodes_[index], each);
    meet(nodes_[index], each);
  }
  for (GossipOutput::Send& each : output.sends) {
    // The byzantine node asks and listens, but withholds all that an honest one would pass on.
    auto* ack = std::get_if<GossipAck>(&each.message.body);
    if (ack != nullptr && !honest(index)) ack->records.clear();
    const bool asks = std::holds_alternative<GossipSyn>(each.message.body) ||
                      (ack != nullptr && !ack->wants.empty());
    if (honest(index) || asks) send(index, std::move(each));
  }
  schedule_tick(index);
}

void SimulatedFederation::check(Node& node, const Accepted& accepted) {
  const RecordHeader& header = accepted.record.header;
  const std::string name = node.site + " took " + header.subject.value + " " +
                           std::string(to_string(header.kind)) + " " +
                           std::to_string(header.version.version);
  if (genuine_.count(accepted.signed_record.body) == 0) violations_.push_back(name + ": forged");
  if (header.valid_until <= now_of(node).wall) violations_.push_back(name + ": ended");
  const auto [seen, is_new] = node.seen.try_emplace({header.subject, header.kind}, header.version);
  if (!is_new && header.version < seen->second) violations_.push_back(name + ": older");
  seen->second = header.version;
  trace(header.subject.value, header.version.version);
  ++taken_;
}

// As a shell does: a site's record tells where it can be reached.
void SimulatedFederation::meet(Node& node, const Accepted& accepted) {
  if (border_ || accepted.record.header.kind != RecordKind::site) return;
  if (node.reachable.insert(accepted.record.header.subject).second) reach_all(node);
}

bool SimulatedFederation::severed(const Node& one, const Node& other) const {
  return border_ && (one.region < *border_) != (other.region < *border_);
}

void SimulatedFederation::send(std::uint32_t from, GossipOutput::Send sent) {
  const std::uint32_t to = index_of_.at(sent.to);
  trace(sent.to.value, sent.message.exchange);
  const bool lost = random_.below(100) < options_.loss_percent;
  const bool dropped = dropped_.count({nodes_[from].region, nodes_[to].region}) != 0;
  if (lost || dropped || severed(nodes_[from], nodes_[to])) return;
  // 2 ms within a region, up to 110 ms between the farthest, and some jitter.
  const std::uint32_t distance = nodes_[from].region > nodes_[to].region
                                     ? nodes_[from].region - nodes_[to].region
                                     : nodes_[to].region - nodes_[from].region;
  const auto jitter = std::chrono::microseconds(options_.jitter).count();
  const bool twice = random_.below(100) < options_.copies_percent;
  for (int copy = twice ? 0 : 1; copy < 2; ++copy) {
    const auto delay = 2ms + distance * 12ms +
                       std::chrono::microseconds(random_.below(static_cast<std::uint64_t>(jitter)));
    events_.push(Event{now_ + delay, ++order_, to, std::pair{nodes_[from].id, sent.message}});
  }
}

void SimulatedFederation::schedule_tick(std::uint32_t index) {
  Node& node = nodes_[index];
  const Mono::time_point when = std::max(node.gossip->next_tick(), now_);
  if (when >= node.tick_at) return;
  node.tick_at = when;
  events_.push(Event{when, ++order_, index, std::nullopt});
}

void SimulatedFederation::misbehave(const GossipMessage& received) {
  std::vector<SignedRecord> records;
  if (const auto* ack = std::get_if<GossipAck>(&received.body)) records = ack->records;
  if (const auto* syn_ack = std::get_if<GossipSynAck>(&received.body)) records = syn_ack->records;
  for (SignedRecord& each : records) overheard_.push_back(std::move(each));
  const auto target = static_cast<std::uint32_t>(1 + random_.below(nodes_.size() - 1));
  std::vector<SignedRecord> lies;
  for (int i = 0; i < 4 && !overheard_.empty(); ++i) {
    SignedRecord lie = overheard_[random_.below(overheard_.size())];
    switch (random_.below(4)) {
      case 0: break;  // a replay as it came, perhaps long over
      case 1: {
        Bytes& bytes = random_.below(2) == 0 ? lie.body : lie.signature;
        char& victim = bytes[random_.below(bytes.size())];
        victim = static_cast<char>(static_cast<unsigned char>(victim) ^ (1U << random_.below(8)));
        break;
      }
      case 2: lie.signature = signature_of(key_of(nodes_[0].site), lie.body); break;
      default: {
        const auto posed = static_cast<std::uint32_t>(1 + random_.below(nodes_.size() - 1));
        lie = sign(quote_record({.site = nodes_[posed].site,
                                 .number = posed + 1,
                                 .version = 1'000'000,
                                 .issued = std::chrono::duration_cast<std::chrono::milliseconds>(
                                     now_.time_since_epoch())},
                                100),
                   key_of(nodes_[0].site));
      }
    }
    lies.push_back(std::move(lie));
  }
  // It also claims to hold all that is asked for, and answers exchanges that nobody began.
  const GossipMessage message =
      random_.below(2) == 0
          ? GossipMessage{random_.bits(), GossipSynAck{lies, {}, {}, random_.bits()}}
          : GossipMessage{random_.bits(), GossipAck{lies, {}, {}}};
  send(0, GossipOutput::Send{node_id(nodes_[target].site), message});
}

bool SimulatedFederation::converged() const {
  const auto holds = [this](const Node& node, std::uint32_t other, RecordKind kind,
                            std::uint64_t version) {
    const Accepted* held = node.gossip->find(nodes_[other].id, kind);
    return held != nullptr && held->record.header.version.version == version;
  };
  const Cells all = cells();
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!counts(i)) continue;
    for (std::uint32_t other = 0; other < nodes_.size(); ++other) {
      if (!counts(other)) continue;
      if (!holds(nodes_[i], other, RecordKind::member, 1)) return false;
      if (nodes_[other].site.empty() || !is_to_hold(all, nodes_[i], nodes_[other])) continue;
      if (!holds(nodes_[i], other, RecordKind::site, 1) ||
          !holds(nodes_[i], other, RecordKind::quote, nodes_[other].version)) {
        return false;
      }
    }
  }
  return true;
}

bool SimulatedFederation::all_hold_sheet(std::uint32_t site, std::uint64_t version) const {
  const Cells all = cells();
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!counts(i) || !is_to_hold(all, nodes_[i], nodes_[site])) continue;
    const Accepted* held = nodes_[i].gossip->find(nodes_[site].id, RecordKind::quote);
    if (held == nullptr || held->record.header.version.version < version) return false;
  }
  return true;
}

bool SimulatedFederation::all_quarantine(std::uint32_t site) const {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (i != site && counts(i) && !nodes_[i].gossip->is_quarantined(nodes_[site].id)) return false;
  }
  return true;
}

std::size_t SimulatedFederation::slandered(std::uint32_t site) const {
  std::size_t count = 0;
  for (const Node& node : nodes_) {
    if (!node.gossip) continue;
    count += node.gossip->quarantined_count();
    if (node.gossip->is_quarantined(nodes_[site].id)) --count;
  }
  return count;
}

bool SimulatedFederation::all_know_revoked(std::uint32_t site) const {
  const NodeId& subject = nodes_[site].id;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!counts(i)) continue;
    const Accepted* held = nodes_[i].gossip->find(subject, RecordKind::member);
    if (held == nullptr || std::get<Member>(held->record.body).state != MemberState::revoked ||
        nodes_[i].gossip->find(subject, RecordKind::quote) != nullptr) {
      return false;
    }
  }
  return true;
}

void SimulatedFederation::cut(std::uint32_t border) {
  border_ = border;
  for (Node& node : nodes_) {
    std::set<NodeId> near_side;
    node.seeds.clear();
    for (const Node& other : nodes_) {
      if (!severed(node, other)) {
        near_side.insert(other.id);
      } else if (node.seeds.empty()) {
        node.seeds.push_back(other.id);
      }
    }
    node.reachable = std::move(near_side);
    reach_all(node);
  }
}

void SimulatedFederation::heal() {
  border_.reset();
}

void SimulatedFederation::trace(std::string_view what, std::uint64_t number) {
  trace_ = stable_hash(what, trace_ ^ static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  trace_ = stable_hash("", (trace_ ^ number) * 0x100000001b3ULL);
}

std::map<DropReason, std::uint64_t> SimulatedFederation::drops() const {
  std::map<DropReason, std::uint64_t> sum;
  for (const Node& node : nodes_) {
    for (const auto& [reason, count] : node.gossip->counters().dropped) sum[reason] += count;
  }
  return sum;
}

std::uint64_t SimulatedFederation::bytes_sent() const {
  std::uint64_t sum = 0;
  for (const Node& node : nodes_) sum += node.gossip->counters().bytes_sent;
  return sum;
}

}  // namespace tradewind::toy
