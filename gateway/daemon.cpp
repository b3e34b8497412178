#include "gateway/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "gateway/event_log.h"
#include "gateway/sellable_capacity.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/gossip/metrics.h"
#include "state/gossip/round_trip.h"
#include "state/identity/random.h"
#include "state/identity/records.h"
#include "state/identity/stored_file.h"
#include "state/identity/trust_files.h"
#include "state/link/metrics.h"

namespace tradewind {

namespace {

// Messages that have arrived and wait for their turn. Whoever sent more asks again.
constexpr std::size_t inbox_messages_max = 8'192;
// Requests to cosign that are answered in one step, in which attempts wait: each may cost a sync.
// Brokers have one under way each; whoever sent more asks again.
constexpr std::size_t cosigns_max = 16;
constexpr auto peers_interval = std::chrono::milliseconds(500);
GossipOptions gossip_options(const SiteFile& site, const Membership& membership) {
  GossipOptions options;
  options.self = site_node(membership.site);
  options.region = site.record.region;
  options.registry_keys = membership.trust.newest().registry_keys;
  options.seed = random_number();
  return options;
}

}  // namespace

Daemon::Daemon(boost::asio::io_context& io, DaemonOptions options, DaemonParts parts,
               std::unique_ptr<SiteWitness> witness)
    : io_(io),
      options_(std::move(options)),
      site_(std::move(parts.site)),
      keys_(std::move(parts.keys)),
      store_(std::move(parts.store)),
      membership_(std::move(parts.membership)),
      witness_(std::move(witness)),
      self_(site_node(membership_.site)),
      publisher_(keys_.identity, membership_.number, *store_),
      gossip_(gossip_options(site_, membership_),
              [this](BytesView key, BytesView message, BytesView signature) {
                const auto start = std::chrono::steady_clock::now();
                const bool good = verify_record(key, message, signature);
                verifying_ += std::chrono::steady_clock::now() - start;
                return good;
              }),
      findings_(membership_.site, *store_,
                [this] { return round_trip_row(gossip_.round_trip_by_region()); }),
      disk_([this] { return free_bytes(options_.directory); }, options_.disk_reserve_mib),
      timer_(io),
      link_timer_(io) {}

Daemon::~Daemon() {
  stop("destroyed");
}

Result<std::unique_ptr<Daemon>> Daemon::start(boost::asio::io_context& io, DaemonOptions options,
                                              DaemonParts parts, const MakeEngine& make_engine) {
  if (parts.site.record.site != parts.membership.site) {
    return fail(ErrorCode::conflict, "site.id",
                fmt::format("the site file speaks of {}, the directory belongs to {}",
                            parts.site.record.site.value, parts.membership.site.value),
                "give the site file that this directory has joined with");
  }
  auto witness = SiteWitness::open(parts.membership.site, parts.membership.federation(),
                                   parts.witness_key, *parts.store);
  if (!witness) return fail(witness.error());
  std::unique_ptr<Daemon> daemon(
      new Daemon(io, std::move(options), std::move(parts), std::move(*witness)));
  if (const Status begun = daemon->begin(make_engine); !begun) return fail(begun.error());
  return daemon;
}

std::unique_ptr<Admission> Daemon::make_admission(const SiteRecord& record) const {
  AdmissionOptions options;
  options.check = [this](const Assignment& assignment) { return engine_->check(assignment); };
  return std::make_unique<Admission>(record, std::move(options));
}

Status Daemon::begin(const MakeEngine& make_engine) {
  const Now now = system_now();
  remove_ready_file();
  auto engine = make_engine([this](EngineEvent event) { on_event(std::move(event)); });
  if (!engine) return fail(engine.error());
  engine_ = std::move(*engine);
  if (const Status begun = findings_.begin(site_); !begun) return begun;

  // Without the link nobody hears of the attempts yet; what recovery says is kept until then.
  admission_ = make_admission(site_.record);
  const auto stored = store_->read_admission();
  if (!stored) return fail(stored.error());
  if (const Status taken = admission_->recover(*stored, now); !taken) return taken;
  const std::vector<AttemptId> before = admission_->running();
  const std::vector<AttemptId> adopted = engine_->adopt(before);
  AdmissionOutput recovered = admission_->adopted(adopted, now);

  const Status opened = open_link(options_.listen.empty() ? site_.link.listen : options_.listen);
  if (!opened) return opened;
  const std::string& metrics_listen =
      options_.metrics_listen.empty() ? site_.metrics_listen : options_.metrics_listen;
  if (!metrics_listen.empty()) {
    auto server = MetricsServer::open(io_, metrics_listen, [this] { return metrics(); });
    if (!server) return fail(server.error());
    metrics_ = std::move(*server);
    spdlog::info("metrics.listening address={}", metrics_->bound());
  }

  spdlog::info(
      "gateway.started site={} federation={} member={} endpoint={} recovered={} "
      "interrupted={}",
      membership_.site.value, membership_.federation().value, membership_.number.value,
      link_->bound_endpoint(), before.size(), before.size() - adopted.size());
  if (!options_.broker.url.empty()) {
    renewer_ = std::make_unique<Renewer>(
        io_, options_.broker, options_.directory,
        Renewer::Handlers{
            .renewed = [this](Renewed renewed) { return take_over(std::move(renewed)); },
            .walked = [this](TrustChain chain) { return take_over(std::move(chain)); }});
  } else {
    spdlog::error("certificate.not_renewable site={} ends={} {}", membership_.site.value,
                  to_rfc3339(membership_.ends),
                  "write the broker's endpoint, https://…, into the file broker.url of the "
                  "gateway's directory and restart it");
  }
  for (const SignedRecord& each : membership_.members) {
    // They come from the store; there is nothing to keep.
    for (const Accepted& known : gossip_.publish(each, now).accepted) learn(known.record);
  }
  if (gossip_.find(self_, RecordKind::member) == nullptr) {
    return fail(ErrorCode::unauthenticated, "member",
                "the record that makes this site a member is not valid any more",
                "join again with a new token");
  }
  SiteRecord record = site_.record;
  record.endpoint = options_.advertise.empty() ? site_.link.advertise : options_.advertise;
  if (record.endpoint.empty()) record.endpoint = link_->bound_endpoint();
  findings_.fill(record);
  publisher_.describe_site(std::move(record), site_.energy_quota_wh);
  if (renewer_) renewer_->settle(membership_);
  carry_out(std::move(recovered));
  carry_out(admission_->set_state(site_.record.state, now));
  look_at_disk(now);
  publish_due(now);
  tick();
  return outcome_;
}

Status Daemon::open_link(std::string bind) {
  LinkOptions options;
  options.self = self_;
  options.keys = keys_.curve;
  options.bind = std::move(bind);
  auto link = Link::open(io_.get_executor(), std::move(options), table_,
                         [this](NodeId from, Channel channel, Bytes payload) {
                           on_message(std::move(from), channel, std::move(payload));
                         });
  if (!link) return fail(link.error());
  link_ = std::move(*link);
  neighbourhood_.emplace(self_, table_, *link_);
  return ok();
}

// --- what comes in -------------------------------------------------------------------------------

void Daemon::on_message(NodeId from, Channel channel, Bytes payload) {
  if (stopped_ || !gossip_.hears(from, system_now())) return;
  if (inbox_.size() >= inbox_messages_max) {
    if (shed_++ % 1'000 == 0)
      spdlog::warn("inbox.full limit={} shed={}", inbox_messages_max, shed_);
    return;
  }
  inbox_.push_back(Arrived{std::move(from), channel, std::move(payload)});
  if (draining_) return;
  draining_ = true;
  boost::asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) drain();
  });
}

// Everything that has arrived makes one step and one write to the disk.
void Daemon::drain() {
  draining_ = false;
  if (stopped_) return;
  const Now now = system_now();
  AdmissionOutput output;
  std::deque<Arrived> batch;
  batch.swap(inbox_);
  for (const Arrived& each : batch) {
    if (each.channel == Channel::gossip) {
      on_gossip(each.from, each.payload, now);
    } else {
      on_dispatch(each.from, each.payload, now, output);
    }
  }
  carry_out(std::move(output));
  answer_cosigns(now);
  publish_due(now);
  look_ready();
  arm();
}

void Daemon::on_gossip(const NodeId& from, const Bytes& payload, Now now) {
  heard_ = true;
  const auto message = decode_gossip(payload);
  if (!message) {
    gossip_.malformed(from, now);
    spdlog::warn("gossip.malformed node={} error=\"{}\"", from.value, describe(message.error()));
    return;
  }
  carry_out(gossip_.receive(from, *message, now));
}

void Daemon::on_dispatch(const NodeId& from, const Bytes& payload, Now now,
                         AdmissionOutput& output) {
  // Sites sell to brokers only; another site has nothing to say here.
  if (from.value.rfind("broker/", 0) != 0) {
    spdlog::warn("dispatch.not_a_broker node={}", from.value);
    return;
  }
  const auto message = decode_to_gateway(payload);
  if (!message) {
    gossip_.malformed(from, now);
    spdlog::warn("dispatch.malformed node={} error=\"{}\"", from.value, describe(message.error()));
    return;
  }
  if (const auto* request = std::get_if<ReadLog>(&message->body)) {
    answer_log(from, *request);
    return;
  }
  if (const auto* request = std::get_if<CosignCheckpoint>(&message->body)) {
    if (cosigns_.size() < cosigns_max) {
      cosigns_.emplace_back(from, *request);
    } else {
      spdlog::warn("cosigns.full limit={} node={}", cosigns_max, from.value);
    }
    return;
  }
  output.append(admission_->from_broker(from, *message, publisher_.newest_sheet(), now));
}

// After the attempts of the same step, which are what a site is for.
void Daemon::answer_cosigns(Now now) {
  for (const auto& [broker, request] : std::exchange(cosigns_, {})) {
    if (stopped_) return;
    auto answer = witness_->answer(request, now.wall);
    if (!answer) return give_up(answer.error());
    send(broker, Channel::dispatch, encode(ToBroker{std::move(*answer)}));
  }
}

void Daemon::answer_log(const NodeId& broker, const ReadLog& request) {
  const auto bytes_max = static_cast<std::uint32_t>(
      std::min<std::size_t>(request.bytes_max, limits::log_chunk_bytes_max));
  auto chunk = admission_->may_ask(broker, request.attempt)
                   ? engine_->read_log(request.attempt, request.stream, request.offset, bytes_max)
                   : Result<LogChunk>(fail(ErrorCode::forbidden, "attempt", "is another broker's"));
  LogChunk answer;
  if (chunk) {
    answer = std::move(*chunk);
  } else {
    spdlog::debug("log.unknown site={} attempt={} error=\"{}\"", membership_.site.value,
                  to_string(request.attempt), describe(chunk.error()));
    answer.attempt = request.attempt;
    answer.offset = request.offset;
    answer.known = false;
  }
  answer.request = request.request;
  send(broker, Channel::dispatch, encode(ToBroker{std::move(answer)}));
}

void Daemon::on_event(EngineEvent event) {
  if (stopped_) return;
  const Now now = system_now();
  log_event(membership_.site, event);
  ++(event.phase == AttemptPhase::ended ? events_.ended : events_.advanced);
  note(event.transfers, now);
  if (event.phase == AttemptPhase::ended) {
    EndReport report = event.report ? std::move(*event.report) : EndReport{};
    if (const auto held = admission_->find(event.attempt))
      findings_.ended(held->assignment, report);
    carry_out(admission_->engine_ended(event.attempt, std::move(report), now));
  } else {
    carry_out(admission_->engine_phase(event.attempt, event.phase, now));
  }
  publish_due(now);
  arm();
}

// --- what goes out -------------------------------------------------------------------------------

void Daemon::carry_out(AdmissionOutput output) {
  if (stopped_ || output.empty()) return;
  if (const Status durable = store_->write_admission(output.writes); !durable) {
    // The core is ahead of the disk now: going on would say what a restart does not know.
    give_up(durable.error());
    return;
  }
  log_effects(membership_.site, output);
  events_.granted += output.starts.size();
  for (const auto& each : output.replies) {
    if (std::holds_alternative<Refused>(each.message.body)) ++events_.refused;
  }
  for (const auto& each : output.replies) {
    send(each.to, Channel::dispatch, encode(each.message));
  }
  for (const auto& each : output.starts) engine_->start(each.attempt, each.assignment);
  for (const auto& each : output.leases) engine_->set_lease(each.attempt, each.ends);
  for (const auto& each : output.stops) engine_->stop(each.attempt, each.code);
  for (const AttemptId& each : output.forgets) engine_->forget(each);
  if (output.capacity_changed) publisher_.capacity_changed();
}

void Daemon::carry_out(GossipOutput output) {
  for (const Accepted& each : output.accepted) accept(each);
  for (const Equivocation& each : output.proofs) tell(each);
  for (const auto& each : output.sends) send(each.to, Channel::gossip, encode(each.message));
}

void Daemon::accept(const Accepted& accepted) {
  const RecordHeader& header = accepted.record.header;
  spdlog::debug("record.accepted node={} kind={} version={}.{} valid_until_ms={}",
                header.subject.value, to_string(header.kind), header.version.epoch,
                header.version.version, to_ms(header.valid_until));
  if (const auto* member = std::get_if<Member>(&accepted.record.body)) {
    if (const Status kept = store_->keep_member(member->node, accepted.signed_record); !kept) {
      return give_up(kept.error());
    }
  }
  learn(accepted.record);
}

void Daemon::tell(const Equivocation& proof) {
  const auto header = header_of(proof);
  if (!header) return;
  const bool own = header->subject == self_;
  spdlog::log(own ? spdlog::level::critical : spdlog::level::warn,
              "site.quarantined node={} kind={} epoch={} version={}{}", header->subject.value,
              to_string(header->kind), header->version.epoch, header->version.version,
              own ? ": two sign with this site's key; see operating.md" : "");
}

void Daemon::learn(const Record& record) {
  neighbourhood_->accept(record);
  const auto* member = std::get_if<Member>(&record.body);
  if (member == nullptr) return;
  witness_->learn(*member);
  if (renewer_ && member->trust_version > 0) renewer_->heard_of_trust(member->trust_version);
  if (member->node != self_) return;
  if (renewer_) renewer_->heard_of_renewals(member->renewals);
  publisher_.set_units_max(member->units_max);
  if (member->state == MemberState::active) return;
  spdlog::error("gateway.excluded site={} state={}", membership_.site.value,
                to_string(member->state));
}

void Daemon::send(const NodeId& to, Channel channel, const Bytes& payload) {
  if (!link_->send(to, channel, payload)) spdlog::debug("link.shed node={}", to.value);
}

std::vector<PoolCapacity> Daemon::capacity(Now now) const {
  std::vector<PoolCapacity> pools = admission_->capacity(now);
  for (PoolCapacity& pool : pools) {
    if (const auto most = engine_->capacity(pool.pool)) limit_to(pool, *most);
  }
  return pools;
}

void Daemon::look_at_engine() {
  std::vector<std::optional<EngineCapacity>> capacity;
  for (const Pool& pool : site_.record.pools) capacity.push_back(engine_->capacity(pool.id));
  if (capacity == engine_capacity_) return;
  engine_capacity_ = std::move(capacity);
  publisher_.capacity_changed();
}

// Own records that are due, the site before its sheet: receivers check a sheet against the site.
void Daemon::publish_due(Now now) {
  if (stopped_) return;
  const auto site = publisher_.due_site(now);
  if (!site) return give_up(site.error());
  if (*site) {
    spdlog::info("site.published site={} state={}", membership_.site.value,
                 to_string(publisher_.site().state));
    publish_own(**site, now);
  }
  auto sheet = publisher_.due_sheet(capacity(now), now);
  if (!sheet) return give_up(sheet.error());
  if (!*sheet) return;
  sheet_ = std::move(**sheet);
  // Bound before anybody can read it.
  admission_->published(sheet_->version, sheet_->sheet, sheet_->valid_until, now);
  publish_own(sheet_->signed_record, now);
}

void Daemon::publish_own(const SignedRecord& record, Now now) {
  GossipOutput output = gossip_.publish(record, now);
  // Other nodes check by the same rules, so they would not take it either.
  if (output.accepted.empty()) {
    std::string reasons;
    for (const auto& [reason, count] : gossip_.counters().dropped) {
      reasons += fmt::format(" {}={}", to_string(reason), count);
    }
    spdlog::error("record.not_accepted site={} drops so far:{}", membership_.site.value, reasons);
  }
  carry_out(std::move(output));
}

// --- time ----------------------------------------------------------------------------------------

void Daemon::refresh_peers() {
  gossip_.set_peers(link_->reachable(), neighbourhood_->seeds());
}

SiteState Daemon::state_of(const SiteRecord& record) const {
  return record.state == SiteState::active && disk_.low() ? SiteState::draining : record.state;
}

void Daemon::look_at_disk(Now now) {
  if (!disk_.look(now.mono)) return;
  if (disk_.low()) {
    spdlog::warn("disk.low site={} free_bytes={} reserve_bytes={}: nothing new is taken",
                 membership_.site.value, disk_.free(), disk_.reserve());
  } else {
    spdlog::info("disk.enough site={} free_bytes={} reserve_bytes={}", membership_.site.value,
                 disk_.free(), disk_.reserve());
  }
  const SiteState state = state_of(site_.record);
  carry_out(admission_->set_state(state, now));
  SiteRecord record = publisher_.site();
  record.state = state;
  publisher_.describe_site(std::move(record), site_.energy_quota_wh);
}

void Daemon::refresh_findings(Now now) {
  auto record = findings_.news(publisher_.site(), now);
  if (!record) return give_up(record.error());
  if (*record) publisher_.describe_site(std::move(**record), site_.energy_quota_wh);
}

// Where the other end lies is the job's word, as it is for prices and times.
void Daemon::note(const std::vector<StagedFile>& transfers, Now now) {
  for (const StagedFile& each : transfers) {
    RegionId region{each.region};
    if (!each.site.empty()) {
      const Accepted* const other = gossip_.find(site_node(SiteId{each.site}), RecordKind::site);
      if (other != nullptr) region = std::get<SiteRecord>(other->record.body).region;
    }
    if (check_name("region", region.value)) findings_.staged(region, each, now.wall);
  }
}

std::string Daemon::metrics() const {
  GatewayFigures figures;
  figures.performance = findings_.performance();
  figures.state = publisher_.site().state;
  for (const AttemptId& each : admission_->held()) {
    if (const auto held = admission_->find(each)) ++figures.attempts[held->phase];
  }
  figures.events = events_;
  figures.disk_free = disk_.free();
  figures.disk_reserve = disk_.reserve();
  figures.inbox_shed = shed_;
  return metrics_text(figures) +
         metrics_text(gossip_.counters(), verifying_, gossip_.quarantined_count()) +
         metrics_text(link_->counters(), gossip_.counters().messages_malformed);
}

void Daemon::tick() {
  if (stopped_) return;
  const Now now = system_now();
  if (now.mono - peers_refreshed_ >= peers_interval) {
    peers_refreshed_ = now.mono;
    refresh_peers();
    refresh_findings(now);
  }
  look_at_disk(now);
  look_at_engine();
  carry_out(admission_->tick(now));
  publish_due(now);
  carry_out(gossip_.tick(now));
  if (std::exchange(membership_changes_, gossip_.membership_changes()) !=
      gossip_.membership_changes()) {
    neighbourhood_->retain(
        [this](const NodeId& node) { return gossip_.find(node, RecordKind::member) != nullptr; });
  }
  look_ready();
  arm();
}

// The timer goes off when the first of the cores, the publisher or the peers' list wants it.
void Daemon::arm() {
  if (stopped_) return;
  const Now now = system_now();
  const Mono::time_point next =
      std::min({gossip_.next_tick(), admission_->next_tick(), publisher_.next_due(),
                peers_refreshed_ + Mono::duration(peers_interval)});
  // "At once" may be the beginning of time, from which nothing must be subtracted.
  const Mono::duration soonest = std::chrono::milliseconds(1);
  timer_.expires_after(next <= now.mono ? soonest : std::max(next - now.mono, soonest));
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (!error && !alive.expired()) tick();
  });
}

// Ready once the site's word is out and somebody has answered; a site that knows of nobody to
// connect to is ready at once.
void Daemon::look_ready() {
  if (ready_ || stopped_ || !sheet_) return;
  if (!heard_ && !neighbourhood_->seeds().empty()) return;
  ready_ = true;
  spdlog::info("gateway.ready site={} endpoint={}", membership_.site.value,
               publisher_.site().endpoint);
  if (options_.ready_file.empty()) return;
  const Status written =
      store_file(options_.ready_file, publisher_.site().endpoint + "\n", public_mode);
  if (!written) give_up(written.error());
}

void Daemon::remove_ready_file() {
  std::error_code ignored;  // most often it is not there
  if (!options_.ready_file.empty()) std::filesystem::remove(options_.ready_file, ignored);
}

}  // namespace tradewind
