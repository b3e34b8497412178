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
  nodes_.resize(options.sites);
  const auto span = static_cast<std::uint64_t>(2 * options.clock_offset_max.count() + 1);
  for (std::uint32_t i = 0; i < options.sites; ++i) {
    Node& node = nodes_[i];
    node.site = "s" + std::to_string(i);
    node.region = i % options.regions;
    node.clock_offset = std::chrono::milliseconds(random_.below(span)) - options.clock_offset_max;
    node.next_publication = Mono::time_point(std::chrono::milliseconds(random_.below(5'000)));
    index_of_[node_id(node.site)] = i;
  }
  for (std::uint32_t i = 0; i < options.sites; ++i) start(i);
}

void SimulatedFederation::start(std::uint32_t index) {
  Node& node = nodes_[index];
  GossipOptions options;
  options.self = node_id(node.site);
  options.region = RegionId{"r" + std::to_string(node.region)};
  options.registry_key = key_of("registry");
  options.seed = random_.bits();
  const Gossip::Verify trusting = [](BytesView, BytesView, BytesView) { return true; };
  node.gossip.emplace(options, options_.signatures_checked ? Gossip::Verify(verify) : trusting);
  for (const Node& other : nodes_) node.reachable.insert(node_id(other.site));
  node.gossip->set_peers({node.reachable.begin(), node.reachable.end()}, node.seeds);
  const Stamp stamp{.site = node.site, .number = index + 1};
  publish(index, member(stamp));
  publish(index, site(stamp, options.region.value));
  publish_sheet(index, true);
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
  publish(
      index,
      quote({.site = node.site, .number = index + 1, .version = ++node.version, .issued = issued},
            node.units_free));
}

std::uint64_t SimulatedFederation::publish_news(std::uint32_t site) {
  publish_sheet(site, true);
  return nodes_[site].version;
}

void SimulatedFederation::revoke(std::uint32_t site) {
  nodes_[site].revoked = true;
  const std::uint32_t registry = site == 1 ? 2 : 1;  // any node but the one concerned
  publish(registry, member({.site = nodes_[site].site, .number = site + 1, .version = 2},
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
      if (publishing_ && !due->revoked) {
        publish_sheet(static_cast<std::uint32_t>(due - nodes_.begin()),
                      random_.below(100) < options_.news_percent);
      }
      continue;
    }
    const Event event = events_.top();
    events_.pop();
    Node& node = nodes_[event.node];
    if (event.message) {
      const auto& [from, message] = *event.message;
      // As a shell does: who has sent can be sent to.
      if (node.reachable.insert(from).second) {
        node.gossip->set_peers({node.reachable.begin(), node.reachable.end()}, node.seeds);
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
  for (const Accepted& each : output.accepted) check(nodes_[index], each);
  for (GossipOutput::Send& each : output.sends) {
    // The byzantine node listens, but withholds all that an honest one would pass on.
    const bool asks = std::holds_alternative<GossipSyn>(each.message.body);
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

bool SimulatedFederation::severed(const Node& one, const Node& other) const {
  return border_ && (one.region < *border_) != (other.region < *border_);
}

void SimulatedFederation::send(std::uint32_t from, GossipOutput::Send sent) {
  const std::uint32_t to = index_of_.at(sent.to);
  trace(sent.to.value, sent.message.exchange);
  const bool lost = random_.below(100) < options_.loss_percent;
  if (lost || severed(nodes_[from], nodes_[to])) return;
  // 2 ms within a region, up to 110 ms between the farthest, and some jitter.
  const std::uint32_t distance = nodes_[from].region > nodes_[to].region
                                     ? nodes_[from].region - nodes_[to].region
                                     : nodes_[to].region - nodes_[from].region;
  const auto delay = 2ms + distance * 12ms + std::chrono::microseconds(random_.below(2'000));
  events_.push(Event{now_ + delay, ++order_, to,
                     std::pair{node_id(nodes_[from].site), std::move(sent.message)}});
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
  const GossipMessage message = random_.below(2) == 0
                                    ? GossipMessage{random_.bits(), GossipSynAck{lies, {}}}
                                    : GossipMessage{random_.bits(), GossipAck{lies}};
  send(0, GossipOutput::Send{node_id(nodes_[target].site), message});
}

bool SimulatedFederation::converged() const {
  const auto holds = [this](const Node& node, std::uint32_t other, RecordKind kind,
                            std::uint64_t version) {
    const Accepted* held = node.gossip->find(node_id(nodes_[other].site), kind);
    return held != nullptr && held->record.header.version.version == version;
  };
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!honest(i)) continue;
    for (std::uint32_t other = 0; other < nodes_.size(); ++other) {
      if (!honest(other)) continue;
      if (!holds(nodes_[i], other, RecordKind::member, 1) ||
          !holds(nodes_[i], other, RecordKind::site, 1) ||
          !holds(nodes_[i], other, RecordKind::quote, nodes_[other].version)) {
        return false;
      }
    }
  }
  return true;
}

bool SimulatedFederation::all_hold_sheet(std::uint32_t site, std::uint64_t version) const {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!honest(i)) continue;
    const Accepted* held = nodes_[i].gossip->find(node_id(nodes_[site].site), RecordKind::quote);
    if (held == nullptr || held->record.header.version.version < version) return false;
  }
  return true;
}

bool SimulatedFederation::all_know_revoked(std::uint32_t site) const {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!honest(i) || i == site) continue;
    const NodeId subject = node_id(nodes_[site].site);
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
        near_side.insert(node_id(other.site));
      } else if (node.seeds.empty()) {
        node.seeds.push_back(node_id(other.site));
      }
    }
    node.reachable = std::move(near_side);
    node.gossip->set_peers({node.reachable.begin(), node.reachable.end()}, node.seeds);
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
