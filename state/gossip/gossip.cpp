#include "state/gossip/gossip.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "schemas/assert.h"
#include "schemas/limits.h"
#include "state/gossip/digest.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// An honest peer sends a syn, a syn-ack and an ack an exchange, and starts at most five exchanges a
// second, so some thirty messages when both start them.
constexpr auto message_interval = 20ms;
constexpr std::uint32_t messages_burst = 100;
// Honest relays pass on a bad record only by a race, such as a key that changes under way.
constexpr auto fault_interval = 100ms;
constexpr std::uint32_t faults_burst = 64;
constexpr auto peer_remembered = 5min;  // after it was last heard, when it is no longer reachable
constexpr int silent_periods = 5;

constexpr std::size_t envelope_bytes = 1'024;
constexpr std::size_t digests_max = limits::sites_max * record_kinds_count;
static_assert(digests_max <= limits::digests_max);
static_assert(digests_max * digest_bytes_max + envelope_bytes + limits::site_record_bytes_max +
                      envelope_bytes <=
                  limits::frame_bytes_max,
              "the largest record still goes beside the digests of a full federation");

std::size_t bytes_of(const std::vector<SignedRecord>& records) {
  return std::accumulate(
      records.begin(), records.end(), std::size_t{0},
      [](std::size_t sum, const SignedRecord& each) { return sum + record_bytes(each); });
}

const std::vector<Digest>& digests_in(const GossipMessage& message) {
  static const std::vector<Digest> none;
  if (const auto* syn = std::get_if<GossipSyn>(&message.body)) return syn->digests;
  if (const auto* syn_ack = std::get_if<GossipSynAck>(&message.body)) return syn_ack->digests;
  return none;
}

const std::vector<SignedRecord>& records_in(const GossipMessage& message) {
  static const std::vector<SignedRecord> none;
  if (const auto* syn_ack = std::get_if<GossipSynAck>(&message.body)) return syn_ack->records;
  if (const auto* ack = std::get_if<GossipAck>(&message.body)) return ack->records;
  return none;
}

std::size_t bytes_of(const GossipMessage& message) {
  return digests_in(message).size() * digest_bytes + bytes_of(records_in(message));
}

}  // namespace

Gossip::Gossip(GossipOptions options, Verify verify)
    : options_(std::move(options)),
      book_(options_.registry_key, std::move(verify)),
      peers_(options_.self),
      bytes_(options_.bytes_per_second_max),
      random_(options_.seed) {
  TRADEWIND_ASSERT(options_.fanout > 0);
  TRADEWIND_ASSERT(options_.early_period > 0ms && options_.period >= options_.early_period);
}

void Gossip::observe(Now now) {
  last_ = now;
  bytes_.refill(now.mono);
}

Gossip::PeerState* Gossip::peer_state(const NodeId& node) {
  auto place = peer_states_.find(node);
  if (place == peer_states_.end()) {
    if (peer_states_.size() >= limits::sites_max) return nullptr;
    const PeerState fresh{.bytes = ByteBucket(options_.bytes_per_second_max / 2),
                          .messages = PaceLimit(message_interval, messages_burst),
                          .faults = PaceLimit(fault_interval, faults_burst),
                          .heard_at = std::nullopt};
    place = peer_states_.emplace(node, fresh).first;
  }
  place->second.bytes.refill(last_.mono);
  return &place->second;
}

void Gossip::set_peers(std::vector<NodeId> reachable, std::vector<NodeId> seeds) {
  peers_.set(std::move(reachable), std::move(seeds));
  for (auto place = peer_states_.begin(); place != peer_states_.end();) {
    const auto& [node, state] = *place;
    const bool kept =
        peers_.knows(node) || (state.heard_at && last_.mono - *state.heard_at < peer_remembered);
    if (!kept) round_trips_.forget(node);
    place = kept ? std::next(place) : peer_states_.erase(place);
  }
}

void Gossip::consider(const SignedRecord& record, PaceLimit* sender_faults, GossipOutput& output) {
  const RecordBook::Verdict verdict = book_.consider(record, last_, sender_faults);
  if (verdict.verified) ++counters_.verified;
  if (verdict.dropped) ++counters_.dropped[*verdict.dropped];
  if (verdict.taken != nullptr) output.accepted.push_back(*verdict.taken);
  if (verdict.matters) news_ = true;
}

GossipOutput Gossip::publish(const SignedRecord& record, Now now) {
  observe(now);
  GossipOutput output;
  consider(record, nullptr, output);
  return output;
}

bool Gossip::refuses(const NodeId& from, const PeerState& peer,
                     const GossipMessage& message) const {
  return is_revoked(from) || !peer.messages.allows(last_.mono) ||
         digests_in(message).size() > limits::digests_max ||
         bytes_of(records_in(message)) > limits::frame_bytes_max;
}

GossipOutput Gossip::receive(const NodeId& from, const GossipMessage& message, Now now) {
  observe(now);
  GossipOutput output;
  counters_.bytes_received += bytes_of(message);
  PeerState* peer = from == options_.self ? nullptr : peer_state(from);
  if (peer == nullptr || refuses(from, *peer, message)) {
    ++counters_.messages_refused;
    return output;
  }
  peer->messages.charge(now.mono);
  peer->heard_at = now.mono;
  for (const SignedRecord& each : records_in(message)) consider(each, &peer->faults, output);
  if (const auto* syn = std::get_if<GossipSyn>(&message.body)) {
    answer(from, *peer, message.exchange, *syn, output);
  } else if (const auto* syn_ack = std::get_if<GossipSynAck>(&message.body)) {
    answer(from, *peer, message.exchange, *syn_ack, output);
  }
  return output;
}

void Gossip::answer(const NodeId& from, PeerState& peer, std::uint64_t exchange,
                    const GossipSyn& syn, GossipOutput& output) {
  if (!bytes_.open() || !peer.bytes.open()) {
    ++counters_.messages_refused;
    return;
  }
  GossipSynAck reply;
  reply.digests = digests_of(book_);
  reply.records = records_for(peer, syn.digests, reply.digests.size());
  send(from, peer, GossipMessage{exchange, std::move(reply)}, output);
}

void Gossip::answer(const NodeId& from, PeerState& peer, std::uint64_t exchange,
                    const GossipSynAck& syn_ack, GossipOutput& output) {
  // Without a syn of ours there is nothing to acknowledge: who invents exchanges, or repeats an
  // answer, gets no bytes for it.
  if (!round_trips_.answered(exchange, from, last_.mono)) return;
  if (!bytes_.open() || !peer.bytes.open()) return;
  GossipAck reply;
  reply.records = records_for(peer, syn_ack.digests, 0);
  if (reply.records.empty()) return;
  send(from, peer, GossipMessage{exchange, std::move(reply)}, output);
}

std::vector<SignedRecord> Gossip::records_for(const PeerState& peer,
                                              const std::vector<Digest>& digests,
                                              std::size_t own_digests_count) {
  // A syn-ack carries our digests as well, an ack does not.
  const std::size_t beside = own_digests_count * digest_bytes;
  const std::size_t left = std::min(bytes_.available(), peer.bytes.available());
  const std::size_t budget =
      std::min(options_.bytes_per_message_max, left > beside ? left - beside : 0);
  const auto rotation = static_cast<std::uint32_t>(random_.bits());
  return fit(lacking(book_, digests, last_.wall, rotation), budget,
             limits::frame_bytes_max - envelope_bytes - own_digests_count * digest_bytes_max);
}

void Gossip::send(const NodeId& to, PeerState& peer, GossipMessage message, GossipOutput& output) {
  const std::size_t bytes = bytes_of(message);
  bytes_.spend(bytes);
  peer.bytes.spend(bytes);
  counters_.bytes_sent += bytes;
  output.sends.push_back(GossipOutput::Send{to, std::move(message)});
}

Mono::time_point Gossip::next_tick() const {
  if (!news_ || counters_.rounds == 0) return next_round_;
  // Early rounds leave half of the budget to the regular ones and to answers.
  const Mono::time_point early =
      std::max(last_round_ + Mono::duration(options_.early_period), bytes_.half_full_at());
  return std::min(next_round_, early);
}

GossipOutput Gossip::tick(Now now) {
  observe(now);
  GossipOutput output;
  if (now.mono < next_tick()) return output;
  if (now.mono < next_round_) ++counters_.early_rounds;
  ++counters_.rounds;
  news_ = false;
  last_round_ = now.mono;
  const auto thousandth = Mono::duration(options_.period) / 1000;
  next_round_ = now.mono + thousandth * static_cast<std::int64_t>(900 + random_.below(201));

  book_.forget_ended(now.wall);
  const std::vector<NodeId> chosen = peers_.choose(
      counters_.rounds, options_.fanout,
      [this](const NodeId& peer) { return in_region(peer, options_.region); },
      [this](const NodeId& peer) { return is_silent(peer); }, random_);
  const std::vector<Digest> digests = digests_of(book_);
  for (const NodeId& each : chosen) {
    PeerState* peer = is_revoked(each) ? nullptr : peer_state(each);
    if (peer == nullptr || !bytes_.open() || !peer->bytes.open()) continue;
    // Rising, so that the oldest is the first to be forgotten; and not to be guessed, so that a
    // peer cannot answer what has not reached it and look nearer than it is.
    const std::uint64_t exchange = (counters_.rounds << 32U) | (random_.bits() & 0xffff'ffffULL);
    round_trips_.sent(exchange, each, now.mono);
    send(each, *peer, GossipMessage{exchange, GossipSyn{digests}}, output);
  }
  return output;
}

bool Gossip::is_revoked(const NodeId& node) const {
  const RecordBook::Entry* entry = book_.find(node);
  const Member* member = entry == nullptr ? nullptr : entry->member();
  return member != nullptr && member->state == MemberState::revoked;
}

bool Gossip::in_region(const NodeId& peer, const RegionId& region) const {
  const RecordBook::Entry* entry = book_.find(peer);
  if (entry == nullptr || !entry->slot(RecordKind::site).held) return false;
  return std::get<SiteRecord>(entry->slot(RecordKind::site).held->record.body).region == region;
}

bool Gossip::is_silent(const NodeId& peer) const {
  const auto place = peer_states_.find(peer);
  return place == peer_states_.end() || !place->second.heard_at ||
         last_.mono - *place->second.heard_at > silent_periods * options_.period;
}

bool Gossip::in_force(const Accepted& accepted) const {
  return last_.wall < accepted.record.header.valid_until;
}

const Accepted* Gossip::find(const NodeId& subject, RecordKind kind) const {
  const RecordBook::Entry* entry = book_.find(subject);
  if (entry == nullptr || !entry->slot(kind).held) return nullptr;
  const Accepted& held = *entry->slot(kind).held;
  return in_force(held) ? &held : nullptr;
}

std::vector<const Accepted*> Gossip::all(RecordKind kind) const {
  std::vector<const Accepted*> result;
  for (const auto& [node, entry] : book_.entries()) {
    const auto& held = entry.slot(kind).held;
    if (held && in_force(*held)) result.push_back(&*held);
  }
  return result;
}

std::optional<std::chrono::microseconds> Gossip::round_trip(const NodeId& peer) const {
  return round_trips_.of(peer);
}

std::map<RegionId, std::chrono::microseconds> Gossip::round_trip_by_region() const {
  std::map<RegionId, std::vector<std::chrono::microseconds>> measured;
  for (const Accepted* each : all(RecordKind::site)) {
    const auto& site = std::get<SiteRecord>(each->record.body);
    if (const auto taken = round_trips_.of(each->record.header.subject)) {
      measured[site.region].push_back(*taken);
    }
  }
  std::map<RegionId, std::chrono::microseconds> result;
  for (auto& [region, values] : measured) {
    if (const auto middle = median(std::move(values))) result.emplace(region, *middle);
  }
  return result;
}

}  // namespace tradewind
