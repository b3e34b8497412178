#include "state/gossip/gossip.h"

#include <algorithm>
#include <set>
#include <utility>

#include "schemas/assert.h"
#include "schemas/codec.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// An honest peer sends two messages an exchange, and starts at most five exchanges a second, so
// some twenty messages when both start them.
constexpr auto message_interval = 20ms;
constexpr std::uint32_t messages_burst = 100;
// Honest relays pass on a bad record only by a race, such as a key that changes under way.
constexpr auto fault_interval = 100ms;
constexpr std::uint32_t faults_burst = 64;
// No honest peer sends any, but one of a newer release may.
constexpr auto malformed_interval = 1s;
constexpr std::uint32_t malformed_burst = 16;
// A change by itself is passed on as it comes; many at a time are left to the rounds, and so is
// what somebody lacked for long and gets all at once.
constexpr auto push_interval = 200ms;
constexpr std::uint32_t pushes_burst = 8;
constexpr std::size_t push_bytes_max = 16 * 1024;
constexpr auto peer_remembered = 5min;  // after it was last heard, when it is no longer reachable
constexpr int silent_periods = 5;
constexpr auto forgetting_interval = 2s;  // what has ended is not found anyway

constexpr std::size_t message_bytes = 40;  // what a message costs besides what it carries
constexpr std::size_t envelope_bytes = 1'024;
// Packing makes most messages smaller and none larger by more than this.
constexpr std::size_t flat_bytes_max = limits::frame_bytes_max / 8 * 7;
constexpr std::size_t digests_max = limits::sites_max * record_kinds_count;
static_assert(digests_max <= limits::digests_max);
constexpr std::size_t number_bytes = sizeof(MemberNumber::value);
constexpr std::size_t numbers_bytes_max = limits::sites_max * number_bytes;
static_assert(digests_max * digest_bytes_max + numbers_bytes_max + limits::quote_sheet_bytes_max +
                      envelope_bytes + limits::site_record_bytes_max + envelope_bytes <=
                  flat_bytes_max,
              "the largest record still goes beside the digests of a full federation");
static_assert(2 * limits::sites_max * digest_bytes_max + numbers_bytes_max + envelope_bytes +
                      limits::equivocation_bytes_max <=
                  flat_bytes_max,
              "and the largest proof beside two digests of each site");

// Of digests, of wants too.
std::size_t digests_in(const GossipMessage& message) {
  if (const auto* syn = std::get_if<GossipSyn>(&message.body)) return syn->digests.size();
  if (const auto* ack = std::get_if<GossipAck>(&message.body)) return ack->wants.size();
  const auto& syn_ack = std::get<GossipSynAck>(message.body);
  return syn_ack.digests.size() + syn_ack.wants.size();
}

const std::vector<SignedRecord>& records_in(const GossipMessage& message) {
  static const std::vector<SignedRecord> none;
  if (const auto* syn_ack = std::get_if<GossipSynAck>(&message.body)) return syn_ack->records;
  if (const auto* ack = std::get_if<GossipAck>(&message.body)) return ack->records;
  return none;
}

const std::vector<Equivocation>& proofs_in(const GossipMessage& message) {
  static const std::vector<Equivocation> none;
  if (const auto* syn_ack = std::get_if<GossipSynAck>(&message.body)) return syn_ack->proofs;
  if (const auto* ack = std::get_if<GossipAck>(&message.body)) return ack->proofs;
  return none;
}

std::size_t numbers_in(const GossipMessage& message) {
  if (const auto* syn = std::get_if<GossipSyn>(&message.body)) return syn->quarantined.size();
  const auto* syn_ack = std::get_if<GossipSynAck>(&message.body);
  return syn_ack == nullptr ? 0 : syn_ack->quarantined.size();
}

std::size_t wire_bytes_of(const Equivocation& proof) {
  return record_wire_bytes(proof.first) + record_wire_bytes(proof.second);
}
std::size_t flat_bytes_of(const Equivocation& proof) {
  return record_bytes(proof.first) + record_bytes(proof.second);
}

// About what it costs on the wire.
std::size_t wire_bytes_of(const GossipMessage& message) {
  const auto* syn = std::get_if<GossipSyn>(&message.body);
  const std::size_t fingerprints = syn == nullptr ? 0 : syn->fingerprints.size() * 8;
  std::size_t bytes = message_bytes + digests_in(message) * digest_bytes + fingerprints +
                      numbers_in(message) * number_bytes;
  for (const SignedRecord& each : records_in(message)) bytes += record_wire_bytes(each);
  for (const Equivocation& each : proofs_in(message)) bytes += wire_bytes_of(each);
  return bytes;
}

std::size_t flat_bytes_of(const std::vector<SignedRecord>& records) {
  std::size_t bytes = 0;
  for (const SignedRecord& each : records) bytes += record_bytes(each);
  return bytes;
}

std::size_t flat_bytes_of(const GossipMessage& message) {
  std::size_t bytes = flat_bytes_of(records_in(message));
  for (const Equivocation& each : proofs_in(message)) bytes += flat_bytes_of(each);
  return bytes;
}

bool is_broker(const NodeId& node) {
  return node.value.rfind("broker/", 0) == 0;
}

}  // namespace

Gossip::Gossip(GossipOptions options, Verify verify)
    : options_(std::move(options)),
      book_(options_.registry_keys, std::move(verify)),
      peers_(options_.self),
      bytes_(options_.bytes_per_second_max),
      early_bytes_(options_.early_bytes_per_second_max),
      pushes_(push_interval, pushes_burst),
      cells_(options_.cell_sizes),
      random_(options_.seed) {
  TRADEWIND_ASSERT(options_.fanout > 0);
  TRADEWIND_ASSERT(options_.early_period > 0ms && options_.period >= options_.early_period);
}

void Gossip::observe(Now now) {
  last_ = now;
  bytes_.refill(now.mono);
  early_bytes_.refill(now.mono);
}

Gossip::PeerState* Gossip::peer_state(const NodeId& node) {
  auto place = peer_states_.find(node);
  if (place == peer_states_.end()) {
    if (peer_states_.size() >= limits::sites_max) return nullptr;
    const PeerState fresh{.bytes = ByteBucket(options_.bytes_per_second_max / 2),
                          .messages = PaceLimit(message_interval, messages_burst),
                          .faults = PaceLimit(fault_interval, faults_burst),
                          .malformed = PaceLimit(malformed_interval, malformed_burst),
                          .heard_at = std::nullopt};
    place = peer_states_.emplace(node, fresh).first;
  }
  place->second.bytes.refill(last_.mono);
  return &place->second;
}

void Gossip::set_registry_keys(std::vector<Bytes> keys) {
  book_.set_registry_keys(std::move(keys));
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

template <class Item>
bool Gossip::consider(const Item& item, PaceLimit* sender_faults, GossipOutput& output) {
  const RecordBook::Verdict verdict = book_.consider(item, last_, sender_faults);
  counters_.verified += verdict.verified;
  if (verdict.dropped) ++counters_.dropped[*verdict.dropped];
  if (verdict.taken != nullptr) {
    count_age(verdict.taken->record.header);
    output.accepted.push_back(*verdict.taken);
  }
  if (verdict.proof != nullptr) output.proofs.push_back(*verdict.proof);
  if (verdict.matters) news_ = true;
  return verdict.matters;
}

void Gossip::push(std::vector<SignedRecord> news, const NodeId& from, GossipOutput& output) {
  if (news.empty() || peers_.reachable().empty() || flat_bytes_of(news) > push_bytes_max) return;
  if (!pushes_.allows(last_.mono) || early_bytes_.half_full_at() > last_.mono) return;
  // Not everybody is to hold everything there.
  if (cells().divided()) return;
  pushes_.charge(last_.mono);
  ++counters_.pushes;
  for (const NodeId& each : peers_.any(options_.push_fanout, from, random_)) {
    PeerState* peer = is_revoked(each) ? nullptr : peer_state(each);
    if (peer == nullptr || !bytes_.open() || !peer->bytes.open()) continue;
    send(each, *peer, GossipMessage{0, GossipAck{news, {}, {}}}, output);
  }
}

void Gossip::count_age(const RecordHeader& header) {
  if (header.kind != RecordKind::quote) return;
  const auto age =
      std::chrono::duration_cast<std::chrono::milliseconds>(last_.wall - header.issued);
  // A clock ahead of ours makes it negative, limits::quote_validity_max bounds it.
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, age.count()));
  const auto place = std::lower_bound(sheet_ages_ms.begin(), sheet_ages_ms.end(), ms);
  ++counters_.sheets_by_age[static_cast<std::size_t>(place - sheet_ages_ms.begin())];
  counters_.sheet_age_ms_sum += ms;
}

GossipOutput Gossip::publish(const SignedRecord& record, Now now) {
  observe(now);
  GossipOutput output;
  if (consider(record, nullptr, output)) push({record}, options_.self, output);
  return output;
}

GossipOutput Gossip::publish(const Equivocation& proof, Now now) {
  observe(now);
  GossipOutput output;
  consider(proof, nullptr, output);
  return output;
}

bool Gossip::refuses(const NodeId& from, const PeerState& peer,
                     const GossipMessage& message) const {
  return is_revoked(from) || !peer.messages.allows(last_.mono) ||
         digests_in(message) > limits::digests_max ||
         flat_bytes_of(message) > limits::frame_bytes_max;
}

void Gossip::malformed(const NodeId& from, Now now) {
  observe(now);
  ++counters_.messages_malformed;
  PeerState* const peer = peer_state(from);
  // What had come before it was not heard any more makes the while no longer.
  if (peer != nullptr && peer->malformed.allows(now.mono)) peer->malformed.charge(now.mono);
}

bool Gossip::hears(const NodeId& from, Now now) {
  observe(now);
  const PeerState* peer = peer_state(from);
  return peer != nullptr && peer->malformed.allows(now.mono);
}

GossipOutput Gossip::receive(const NodeId& from, const GossipMessage& message, Now now) {
  observe(now);
  GossipOutput output;
  const std::size_t bytes = wire_bytes_of(message);
  counters_.bytes_received += bytes;
  PeerState* peer = from == options_.self ? nullptr : peer_state(from);
  if (peer == nullptr || refuses(from, *peer, message)) {
    ++counters_.messages_refused;
    return output;
  }
  peer->messages.charge(now.mono);
  peer->heard_at = now.mono;
  // Whom many turn to begins less itself.
  early_bytes_.spend(bytes / 2);
  counters_.records_received += records_in(message).size();
  std::vector<SignedRecord> news;
  for (const SignedRecord& each : records_in(message)) {
    if (consider(each, &peer->faults, output)) news.push_back(each);
  }
  // A proof that one of the records made may be void by a later one, under another key.
  std::erase_if(output.proofs, [this](const Equivocation& each) {
    const Result<RecordHeader> header = header_of(each);
    return !header || !is_quarantined(header->subject);
  });
  for (const Equivocation& each : proofs_in(message)) consider(each, &peer->faults, output);
  if (const auto* syn = std::get_if<GossipSyn>(&message.body)) {
    answer(from, *peer, message.exchange, *syn, output);
  } else if (const auto* syn_ack = std::get_if<GossipSynAck>(&message.body)) {
    answer(from, *peer, message.exchange, *syn_ack, output);
  } else {
    answer(from, *peer, message.exchange, std::get<GossipAck>(message.body), output);
  }
  push(std::move(news), from, output);
  return output;
}

void Gossip::answer(const NodeId& from, PeerState& peer, std::uint64_t exchange,
                    const GossipSyn& syn, GossipOutput& output) {
  if (!bytes_.open() || !peer.bytes.open()) {
    ++counters_.messages_refused;
    return;
  }
  const Scope& scope = scope_with(from);
  GossipSynAck reply;
  reply.differing = differing_buckets(fingerprints_of(book_, scope), syn.fingerprints);
  reply.digests = slow_digests(book_, scope, reply.differing);
  reply.wants = wanted_sheets(scope, syn.digests);
  Selection sheets = selection();
  sheets.add_sheets(scope, syn.digests, reply.differing);
  reply.quarantined = quarantined();
  Beside beside = beside_of(reply.digests.size() + reply.wants.size(), reply.quarantined.size());
  const SignedRecord* const probe = probe_of(scope, syn.digests);
  if (probe != nullptr) {
    beside.wire += record_wire_bytes(*probe);
    beside.flat += record_bytes(*probe);
  }
  reply.proofs = proofs_for(syn.quarantined, peer, beside);
  reply.records = fit(sheets, peer, beside);
  if (probe != nullptr) reply.records.push_back(*probe);
  send(from, peer, GossipMessage{exchange, std::move(reply)}, output);
}

void Gossip::answer(const NodeId& from, PeerState& peer, std::uint64_t exchange,
                    const GossipSynAck& syn_ack, GossipOutput& output) {
  // Without a syn of ours there is nothing to acknowledge: who invents exchanges, or repeats an
  // answer, gets no bytes for it.
  if (!round_trips_.answered(exchange, from, last_.mono)) return;
  if (!bytes_.open() || !peer.bytes.open()) return;
  GossipAck reply;
  reply.wants = wanted_slow(book_, syn_ack.digests);
  Selection records = selection();
  records.add_wanted(syn_ack.wants);
  records.add_slow(scope_with(from), syn_ack.digests, syn_ack.differing);
  Beside beside = beside_of(reply.wants.size(), 0);
  reply.proofs = proofs_for(syn_ack.quarantined, peer, beside);
  reply.records = fit(records, peer, beside);
  if (reply.records.empty() && reply.wants.empty() && reply.proofs.empty()) return;
  send(from, peer, GossipMessage{exchange, std::move(reply)}, output);
}

void Gossip::answer(const NodeId& from, PeerState& peer, std::uint64_t exchange,
                    const GossipAck& ack, GossipOutput& output) {
  if (ack.wants.empty()) return;
  if (!bytes_.open() || !peer.bytes.open()) {
    ++counters_.messages_refused;
    return;
  }
  Selection records = selection();
  records.add_wanted(ack.wants);
  GossipAck reply;
  reply.records = fit(records, peer, {});
  if (reply.records.empty()) return;
  send(from, peer, GossipMessage{exchange, std::move(reply)}, output);
}

const SignedRecord* Gossip::probe_of(const Scope& scope, const std::vector<Digest>& named) {
  if (named.empty()) return nullptr;
  const Digest& one = named[random_.below(named.size())];
  const auto place = std::lower_bound(scope.begin(), scope.end(), one.member,
                                      [](const RecordBook::Entry* each, MemberNumber number) {
                                        return each->member()->number < number;
                                      });
  if (place == scope.end() || (*place)->member()->number != one.member) return nullptr;
  const auto& held = (*place)->slot(RecordKind::quote).held;
  if (!held || held->record.header.version != one.version || !in_force(*held)) return nullptr;
  return &held->signed_record;
}

Selection Gossip::selection() {
  return {book_, last_.wall, static_cast<std::uint32_t>(random_.bits())};
}

Gossip::Beside Gossip::beside_of(std::size_t digests_count, std::size_t numbers_count) {
  const std::size_t numbers_bytes = numbers_count * number_bytes;
  return {digests_count * digest_bytes + numbers_bytes,
          digests_count * digest_bytes_max + numbers_bytes};
}

std::size_t Gossip::budget_of(const PeerState& peer, const Beside& beside) const {
  const std::size_t left = std::min(bytes_.available(), peer.bytes.available());
  return std::min(options_.bytes_per_message_max, left > beside.wire ? left - beside.wire : 0);
}

std::vector<SignedRecord> Gossip::fit(const Selection& selection, const PeerState& peer,
                                      const Beside& beside) const {
  return selection.fit(budget_of(peer, beside), flat_bytes_max - envelope_bytes - beside.flat);
}

std::vector<Equivocation> Gossip::proofs_for(const std::vector<MemberNumber>& named,
                                             const PeerState& peer, Beside& beside) const {
  std::vector<Equivocation> proofs;
  for (const MemberNumber number : book_.quarantined()) {
    if (std::binary_search(named.begin(), named.end(), number)) continue;
    const Equivocation& proof = *book_.find(number)->proof;
    const std::size_t wire = wire_bytes_of(proof);
    const std::size_t flat = beside.flat + flat_bytes_of(proof);
    if (flat + envelope_bytes > flat_bytes_max) break;
    // As with records, one goes however little is left.
    if (!proofs.empty() && wire > budget_of(peer, beside)) break;
    proofs.push_back(proof);
    beside.wire += wire;
    beside.flat = flat;
  }
  return proofs;
}

std::vector<MemberNumber> Gossip::quarantined() const {
  return {book_.quarantined().begin(), book_.quarantined().end()};
}

const Cells& Gossip::cells() {
  if (cells_as_of_ == book_.membership_changes()) return cells_;
  cells_as_of_ = book_.membership_changes();
  const bool divided = cells_.divided();
  std::vector<NodeId> sites;
  whole_scope_.clear();
  scopes_.clear();
  for (const auto& [number, entry] : book_.by_number()) {
    whole_scope_.push_back(entry);
    if (!is_broker(entry->node) && entry->member()->state == MemberState::active) {
      sites.push_back(entry->node);
    }
  }
  cells_ = Cells(options_.cell_sizes, sites);
  if (cells_.divided() != divided) {
    early_bytes_ = ByteBucket(cells_.divided() ? options_.early_bytes_per_second_max_in_cell
                                               : options_.early_bytes_per_second_max);
    early_bytes_.refill(last_.mono);
  }
  return cells_;
}

// Brokers hold everything, a site holds its cell; two nodes exchange what both are to hold.
const Scope& Gossip::scope_with(const NodeId& peer) {
  static const Scope nothing;
  const Cells& all = cells();
  if (!all.divided() || (is_broker(options_.self) && is_broker(peer))) return whole_scope_;
  const Cell cell = all.cell_of(is_broker(peer) ? options_.self : peer);
  if (!is_broker(options_.self) && !cell.holds(options_.self)) return nothing;
  return scope_of(cell);
}

const Scope& Gossip::scope_of(const Cell& cell) {
  const auto [place, is_new] = scopes_.try_emplace({cell.bits, cell.prefix});
  Scope& scope = place->second;
  if (!is_new) return scope;
  for (const NodeId& each : cells_.sites_in(cell)) {
    const RecordBook::Entry* entry = book_.find(each);
    if (entry != nullptr && entry->member() != nullptr) scope.push_back(entry);
  }
  std::sort(scope.begin(), scope.end(), [](const RecordBook::Entry* a, const RecordBook::Entry* b) {
    return a->member()->number < b->member()->number;
  });
  return scope;
}

void Gossip::send(const NodeId& to, PeerState& peer, GossipMessage message, GossipOutput& output) {
  const std::size_t bytes = wire_bytes_of(message);
  bytes_.spend(bytes);
  early_bytes_.spend(bytes / 2);
  peer.bytes.spend(bytes);
  counters_.bytes_sent += bytes;
  output.sends.push_back(GossipOutput::Send{to, std::move(message)});
}

Mono::time_point Gossip::next_tick() const {
  if (!news_ || counters_.rounds == 0) return next_round_;
  const Mono::time_point early =
      std::max(last_round_ + Mono::duration(options_.early_period), early_bytes_.half_full_at());
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

  if (now.mono >= next_forgetting_) {
    book_.forget_ended(now.wall);
    next_forgetting_ = now.mono + forgetting_interval;
  }
  for (const NodeId& each : choose_peers()) {
    PeerState* peer = is_revoked(each) ? nullptr : peer_state(each);
    if (peer == nullptr || !bytes_.open() || !peer->bytes.open()) continue;
    // Rising, so that the oldest is the first to be forgotten; and not to be guessed, so that a
    // peer cannot answer what has not reached it and look nearer than it is.
    const std::uint64_t exchange = (counters_.rounds << 32U) | (random_.bits() & 0xffff'ffffULL);
    round_trips_.sent(exchange, each, now.mono);
    const Scope& scope = scope_with(each);
    const Fingerprints fingerprints = fingerprints_of(book_, scope);
    send(each, *peer,
         GossipMessage{exchange, GossipSyn{sheet_digests(scope),
                                           {fingerprints.begin(), fingerprints.end()},
                                           quarantined()}},
         output);
  }
  return output;
}

std::vector<NodeId> Gossip::choose_peers() {
  const Cells& all = cells();
  const bool broker = is_broker(options_.self);
  const auto live = [this](const NodeId& site) {
    return site == options_.self || find(site, RecordKind::quote) != nullptr;
  };
  const Cell own = all.cell_of(options_.self);
  std::set<NodeId> relays;  // that matter to this node: its cell's, or all of a broker's
  if (all.divided()) {
    for (const Cell& cell : broker ? all.all() : std::vector<Cell>{own}) {
      for (NodeId& each : all.relays_of(cell, live)) relays.insert(std::move(each));
    }
  }
  const bool relaying = all.divided() && relays.contains(options_.self);
  PeerChoice::Traits traits;
  traits.mate = [&](const NodeId& peer) {
    if (!all.divided()) return true;
    if (broker) return is_broker(peer) || relays.contains(peer);
    return !is_broker(peer) && own.holds(peer);
  };
  traits.near = [&](const NodeId& peer) {
    return broker && all.divided() ? is_broker(peer) : in_region(peer, options_.region);
  };
  traits.spine = [&](const NodeId& peer) { return relaying && is_broker(peer); };
  traits.silent = [&](const NodeId& peer) { return traits.mate(peer) && is_silent(peer); };
  // Ten thousand gateways that looked in on a broker now and then would be what cells spare it.
  traits.seeds = !all.divided();
  return peers_.choose(counters_.rounds, options_.fanout, traits, random_);
}

bool Gossip::is_revoked(const NodeId& node) const {
  const RecordBook::Entry* entry = book_.find(node);
  const Member* member = entry == nullptr ? nullptr : entry->member();
  return member != nullptr && member->state == MemberState::revoked;
}

bool Gossip::is_quarantined(const NodeId& member) const {
  const RecordBook::Entry* entry = book_.find(member);
  return entry != nullptr && entry->proof != nullptr;
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
