#include "state/link/core.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "schemas/assert.h"
#include "schemas/limits.h"
#include "state/link/endpoint.h"
#include "state/link/gatekeeper.h"
#include "state/link/sockets.h"

namespace tradewind {
namespace {

// The link's own channels, beside those of Channel. DO NOT CHANGE THESE VALUES: they are on the
// wire. A hello shows the other side which connection to answer on; the welcome shows this side
// that somebody is there.
constexpr std::uint8_t kHello = 0x80;
constexpr std::uint8_t kWelcome = 0x81;

// A ROUTER names a connection by a zero byte and four more, a peer that chooses its own name cannot
// begin it with a zero byte unless it breaks the protocol.
constexpr std::size_t kRouteBytes = 5;

// When a peer's full pipe is looked at again, should the socket's own signal have been consumed by
// another operation.
constexpr std::chrono::milliseconds kRetryInterval{5};

Mono::time_point now_mono() {
  return system_now().mono;
}

BytesView bytes_of(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

}  // namespace

// The ports hold their traffic and the core holds the ports, so the traffic must not hold the core.
class Link::Core::OutboundTraffic : public ZmqPort::Traffic {
 public:
  OutboundTraffic(std::weak_ptr<Core> core, std::shared_ptr<Outbound> peer)
      : core_(std::move(core)), peer_(std::move(peer)) {}
  ZmqPort::Frames next() override {
    const auto core = core_.lock();
    return core ? core->next_outbound(*peer_) : ZmqPort::Frames{};
  }
  void done(ZmqPort::Outcome outcome) override {
    if (const auto core = core_.lock()) core->done_outbound(*peer_, outcome);
  }
  void receive(ZmqPort::Frames frames) override {
    if (const auto core = core_.lock()) core->receive_outbound(*peer_, std::move(frames));
  }
  void woken() override {
    if (const auto core = core_.lock()) core->woken_outbound(*peer_);
  }

 private:
  std::weak_ptr<Core> core_;
  std::shared_ptr<Outbound> peer_;
};

class Link::Core::InboundTraffic : public ZmqPort::Traffic {
 public:
  explicit InboundTraffic(std::weak_ptr<Core> core) : core_(std::move(core)) {}
  ZmqPort::Frames next() override {
    const auto core = core_.lock();
    return core ? core->next_inbound() : ZmqPort::Frames{};
  }
  void done(ZmqPort::Outcome outcome) override {
    if (const auto core = core_.lock()) core->done_inbound(outcome);
  }
  void receive(ZmqPort::Frames frames) override {
    if (const auto core = core_.lock()) core->receive_inbound(std::move(frames));
  }
  void woken() override {
    if (const auto core = core_.lock()) core->woken_inbound();
  }

 private:
  std::weak_ptr<Core> core_;
};

Link::Core::Core(boost::asio::any_io_executor executor, LinkOptions options,
                 std::shared_ptr<const AuthTable> members, OnMessage on_message)
    : options_(std::move(options)),
      members_(std::move(members)),
      on_message_(std::move(on_message)),
      strand_(std::move(executor)),
      tick_timer_(strand_),
      retry_timer_(strand_) {
  context_.set(zmq::ctxopt::max_sockets, static_cast<int>(options_.peers_max) + 16);
}

// Nothing runs any more that could know of this object: pending handlers hold it weakly, or are
// being thrown away by an executor that is itself going. A socket left open would let the context
// wait for ever.
Link::Core::~Core() {
  close_all();
}

SendQueue::Bounds Link::Core::bounds() const {
  return {options_.queue_messages_max, options_.queue_bytes_max, options_.message_age_max};
}

Status Link::Core::start() {
  if (!options_.bind.empty()) {
    try {
      listen();
    } catch (const std::exception& error) {
      return fail(ErrorCode::unavailable, "bind",
                  "cannot listen at \"" + options_.bind + "\": " + error.what(),
                  "choose an address of this machine and a free port");
    }
    gate_->start();
    router_->start();
  }
  wait_for_tick();
  return ok();
}

void Link::Core::listen() {
  // The gatekeeper is there before anybody can knock. Should it ever be missing, connections lack
  // its note of the sender and their messages are dropped.
  zmq::socket_t gate(context_, zmq::socket_type::rep);
  gate.bind(zap_endpoint);
  zmq::socket_t router = make_router(context_, options_.keys, options_.bind);
  router.bind(options_.bind);
  bound_endpoint_ = router.get(zmq::sockopt::last_endpoint);
  const auto answered = [weak = weak_from_this()](bool admitted) {
    const auto core = weak.lock();
    if (!core) return;
    const std::lock_guard lock(core->mutex_);
    ++(admitted ? core->counters_.handshakes_admitted : core->counters_.handshakes_refused);
  };
  gate_ = std::make_shared<ZmqPort>(strand_, std::move(gate),
                                    std::make_unique<Gatekeeper>(members_, answered));
  router_ = std::make_shared<ZmqPort>(strand_, std::move(router),
                                      std::make_unique<InboundTraffic>(weak_from_this()));
}

void Link::Core::stop() {
  if (stopped_.exchange(true)) return;
  boost::asio::post(strand_, [self = shared_from_this()] { self->close_all(); });
}

void Link::Core::close_all() {
  stopped_ = true;
  tick_timer_.cancel();
  retry_timer_.cancel();
  if (gate_) gate_->stop();
  if (router_) router_->stop();
  std::unordered_map<NodeId, std::shared_ptr<Outbound>> outbound;
  {
    const std::lock_guard lock(mutex_);
    outbound.swap(outbound_);
    inbound_.clear();
    ready_.clear();
    blocked_.clear();
  }
  for (const auto& [node, peer] : outbound) close(peer);
}

bool Link::Core::fresh(const Path& path, Mono::time_point now) const {
  return path.heard && now - *path.heard <= options_.silence_max;
}

void Link::Core::count_shed(LinkShed reason, std::size_t count) {
  if (count > 0) counters_.shed[reason] += count;
}

void Link::Core::drop(LinkDrop reason) {
  const std::lock_guard lock(mutex_);
  ++counters_.dropped[reason];
}

bool Link::Core::send(const NodeId& to, Channel channel, Bytes payload) {
  const Mono::time_point now = now_mono();
  const std::lock_guard lock(mutex_);
  const auto shed = [&](LinkShed reason) {
    count_shed(reason);
    return false;
  };
  if (payload.size() > limits::frame_bytes_max) return shed(LinkShed::oversized);
  const auto out = outbound_.find(to);
  const auto in = inbound_.find(to);
  const bool has_out = out != outbound_.end();
  const bool fresh_in = in != inbound_.end() && fresh(in->second, now);
  if (stopped_ || (!has_out && !fresh_in)) return shed(LinkShed::no_route);
  const bool use_out = has_out && (fresh(*out->second, now) || !fresh_in);
  Path& path = use_out ? static_cast<Path&>(*out->second) : in->second;
  if (!members_->allowed(path.curve_key, to)) return shed(LinkShed::not_allowed);
  // What is too old is removed on the strand only, where nobody is just sending it.
  if (!path.queue.push(static_cast<std::uint8_t>(channel), std::move(payload), now))
    return shed(LinkShed::queue_full);
  if (use_out) {
    if (out->second->port) out->second->port->wake();
  } else {
    list(to, in->second);
    router_->wake();
  }
  return true;
}

Status Link::Core::connect(const NodeId& node, const std::string& endpoint,
                           const Bytes& curve_key) {
  if (const Status form = check_peer_endpoint("endpoint", endpoint); !form) return form;
  if (curve_key.size() != public_key_bytes) {
    return fail(ErrorCode::invalid, "curve_key",
                std::to_string(curve_key.size()) + " bytes are no CURVE public key",
                "give the raw key, 32 bytes");
  }
  if (node == options_.self)
    return fail(ErrorCode::invalid, "node", "\"" + node.value + "\" is this node itself");
  const std::lock_guard lock(mutex_);
  if (stopped_) return fail(ErrorCode::unavailable, "link", "is stopped");
  std::shared_ptr<Outbound>& held = outbound_[node];
  if (held && held->endpoint == endpoint && held->curve_key == curve_key) return ok();
  if (!held && outbound_.size() > options_.peers_max) {
    outbound_.erase(node);
    return fail(ErrorCode::exhausted, "peers",
                "connections to " + std::to_string(options_.peers_max) +
                    " peers are kept already, which is the limit",
                "raise peers_max, or let this peer connect to us");
  }
  const auto fresh_peer = std::make_shared<Outbound>(bounds());
  fresh_peer->node = node;
  fresh_peer->endpoint = endpoint;
  fresh_peer->curve_key = curve_key;
  fresh_peer->reopen_after = options_.reopen_after;
  fresh_peer->greeting_due = true;
  const auto former = std::exchange(held, fresh_peer);
  if (former) {
    // What waited for the node still does.
    former->closed = true;
    std::swap(fresh_peer->queue, former->queue);
  }
  boost::asio::post(strand_, [self = shared_from_this(), former, fresh_peer] {
    if (former) self->close(former);
    self->open(fresh_peer);
  });
  return ok();
}

void Link::Core::disconnect(const NodeId& node) {
  const std::lock_guard lock(mutex_);
  const auto held = outbound_.find(node);
  if (held == outbound_.end()) return;
  const auto peer = held->second;
  outbound_.erase(held);
  peer->closed = true;
  count_shed(LinkShed::no_route, peer->queue.clear());
  boost::asio::post(strand_, [self = shared_from_this(), peer] { self->close(peer); });
}

void Link::Core::open(const std::shared_ptr<Outbound>& peer) {
  {
    const std::lock_guard lock(mutex_);
    if (peer->closed || stopped_) return;
    peer->opened = now_mono();
  }
  std::shared_ptr<ZmqPort> port;
  try {
    zmq::socket_t socket = make_dealer(context_, options_.keys, peer->curve_key);
    socket.connect(peer->endpoint);
    port = std::make_shared<ZmqPort>(strand_, std::move(socket),
                                     std::make_unique<OutboundTraffic>(weak_from_this(), peer));
  } catch (const std::exception&) {
    // Out of descriptors, or a host that cannot be written so: tried again as a silent connection.
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    peer->port = port;
    peer->blocked = false;
  }
  port->start();
}

void Link::Core::close(const std::shared_ptr<Outbound>& peer) {
  std::shared_ptr<ZmqPort> port;
  {
    const std::lock_guard lock(mutex_);
    port = std::exchange(peer->port, nullptr);
  }
  if (port) port->stop();
}

ZmqPort::Frames Link::Core::compose(Path& path, const NodeId& node, const Bytes* route,
                                    std::uint8_t greeting) {
  count_shed(LinkShed::too_old, path.queue.expire(now_mono()));
  if (!members_->allowed(path.curve_key, node)) {
    count_shed(LinkShed::not_allowed, path.queue.clear());
    path.greeting_due = false;
  }
  if (path.blocked || !path.has_work()) return {};
  path.greeting_sent = path.greeting_due;
  const std::uint8_t channel = path.greeting_due ? greeting : path.queue.front().channel;
  const BytesView payload = path.greeting_due ? BytesView() : BytesView(path.queue.front().payload);
  ZmqPort::Frames frames;
  frames.reserve(3);
  if (route != nullptr) frames.emplace_back(route->data(), route->size());
  frames.emplace_back(&channel, sizeof channel);
  frames.emplace_back(payload.data(), payload.size());
  return frames;
}

void Link::Core::sent(Path& path) {
  if (path.greeting_sent) {
    path.greeting_due = false;
    return;
  }
  ++counters_.messages_sent;
  counters_.bytes_sent += path.queue.front().payload.size();
  path.queue.pop();
}

ZmqPort::Frames Link::Core::next_outbound(Outbound& peer) {
  const std::lock_guard lock(mutex_);
  if (peer.closed) return {};
  return compose(peer, peer.node, nullptr, kHello);
}

void Link::Core::done_outbound(Outbound& peer, ZmqPort::Outcome outcome) {
  const std::lock_guard lock(mutex_);
  // Given up or replaced by another thread while ZeroMQ took the message: the queue went with it.
  if (peer.closed) return;
  if (outcome == ZmqPort::Outcome::sent) return sent(peer);
  peer.blocked = true;
  retry_soon();
}

void Link::Core::woken_outbound(Outbound& peer) {
  const std::lock_guard lock(mutex_);
  peer.blocked = false;
}

void Link::Core::receive_outbound(Outbound& peer, ZmqPort::Frames frames) {
  if (frames.size() != 2 || frames[0].size() != 1) return drop(LinkDrop::malformed);
  if (frames[1].size() > limits::frame_bytes_max) return drop(LinkDrop::oversized);
  {
    // The handshake proved that the other side has the secret of this key.
    const std::lock_guard lock(mutex_);
    if (peer.closed) return;
    if (!members_->allowed(peer.curve_key, peer.node)) {
      ++counters_.dropped[LinkDrop::not_allowed];
      return;
    }
    peer.heard = now_mono();
    peer.reopen_after = options_.reopen_after;
  }
  const auto channel = *static_cast<const std::uint8_t*>(frames[0].data());
  if (channel != kWelcome) deliver(peer.node, channel, Bytes(bytes_of(frames[1])));
}

void Link::Core::list(const NodeId& node, Inbound& peer) {
  if (peer.listed || peer.blocked) return;
  peer.listed = true;
  ready_.push_back(node);
}

ZmqPort::Frames Link::Core::next_inbound() {
  const std::lock_guard lock(mutex_);
  while (!ready_.empty()) {
    const auto found = inbound_.find(ready_.front());
    if (found != inbound_.end()) {
      Inbound& peer = found->second;
      auto frames = compose(peer, found->first, &peer.route, kWelcome);
      if (!frames.empty()) return frames;
      peer.listed = false;
    }
    ready_.pop_front();
  }
  return {};
}

void Link::Core::done_inbound(ZmqPort::Outcome outcome) {
  const std::lock_guard lock(mutex_);
  // Only the strand takes from the front of ready_ and from inbound_, so it is the same peer.
  TRADEWIND_ASSERT(!ready_.empty());
  const NodeId node = std::move(ready_.front());
  ready_.pop_front();
  const auto found = inbound_.find(node);
  TRADEWIND_ASSERT(found != inbound_.end());
  Inbound& peer = found->second;
  peer.listed = false;
  switch (outcome) {
    case ZmqPort::Outcome::sent:
      sent(peer);
      if (peer.has_work()) list(node, peer);
      break;
    case ZmqPort::Outcome::full:
      peer.blocked = true;
      blocked_.push_back(node);
      retry_soon();
      break;
    case ZmqPort::Outcome::unreachable:
      count_shed(LinkShed::unreachable, peer.queue.clear());
      inbound_.erase(found);  // until it is heard again
      break;
  }
}

void Link::Core::woken_inbound() {
  const std::lock_guard lock(mutex_);
  for (const NodeId& node : std::exchange(blocked_, {})) {
    const auto found = inbound_.find(node);
    if (found == inbound_.end()) continue;
    found->second.blocked = false;
    list(node, found->second);
  }
}

void Link::Core::receive_inbound(ZmqPort::Frames frames) {
  if (frames.size() != 3 || frames[1].size() != 1) return drop(LinkDrop::malformed);
  if (frames[2].size() > limits::frame_bytes_max) return drop(LinkDrop::oversized);
  const BytesView route = bytes_of(frames[0]);
  if (route.size() != kRouteBytes || route.front() != '\0') return drop(LinkDrop::chosen_route);
  const auto sender = sender_of(frames[2]);
  if (!sender) return drop(LinkDrop::unauthenticated);
  const auto channel = *static_cast<const std::uint8_t*>(frames[1].data());
  {
    const std::lock_guard lock(mutex_);
    if (!members_->allowed(sender->curve_key, sender->node)) {
      ++counters_.dropped[LinkDrop::not_allowed];
      return;
    }
    Inbound& peer = inbound_.try_emplace(sender->node, bounds()).first->second;
    if (peer.route != route) {
      // A new connection of the same member: what waited goes there.
      peer.route = Bytes(route);
      peer.blocked = false;
    }
    peer.curve_key = sender->curve_key;
    peer.heard = now_mono();
    if (channel == kHello) peer.greeting_due = true;
    if (peer.has_work()) list(sender->node, peer);
  }
  if (channel != kHello) deliver(sender->node, channel, Bytes(bytes_of(frames[2])));
}

void Link::Core::deliver(const NodeId& from, std::uint8_t channel, Bytes payload) {
  if (channel != static_cast<std::uint8_t>(Channel::gossip) &&
      channel != static_cast<std::uint8_t>(Channel::dispatch)) {
    return drop(LinkDrop::malformed);
  }
  if (stopped_) return;
  {
    const std::lock_guard lock(mutex_);
    ++counters_.messages_received;
    counters_.bytes_received += payload.size();
  }
  on_message_(from, static_cast<Channel>(channel), std::move(payload));
}

std::vector<NodeId> Link::Core::reachable() const {
  const Mono::time_point now = now_mono();
  std::vector<NodeId> nodes;
  const std::lock_guard lock(mutex_);
  const auto add = [&](const NodeId& node, const Path& path) {
    if (fresh(path, now) && members_->allowed(path.curve_key, node)) nodes.push_back(node);
  };
  for (const auto& [node, peer] : outbound_) add(node, *peer);
  for (const auto& [node, peer] : inbound_) add(node, peer);
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

LinkCounters Link::Core::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void Link::Core::wait_for_tick() {
  tick_timer_.expires_after(options_.hello_interval);
  tick_timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto core = weak.lock();
    if (error || !core || core->stopped_) return;
    core->tick();
    core->wait_for_tick();
  });
}

void Link::Core::tick() {
  const Mono::time_point now = now_mono();
  std::vector<std::shared_ptr<Outbound>> silent;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [node, peer] : outbound_) {
      count_shed(LinkShed::too_old, peer->queue.expire(now));
      // ZeroMQ gives a connection up for good when its handshake is refused, which happens to a new
      // member until everybody has heard of it; so a silent connection is made anew, ever less
      // often.
      const Mono::time_point since = std::max(peer->opened, peer->heard.value_or(peer->opened));
      if (now - since > peer->reopen_after) {
        peer->reopen_after = std::min(peer->reopen_after * 2, options_.reopen_after_max);
        ++counters_.connections_reopened;
        silent.push_back(peer);
      }
      peer->greeting_due = true;
      if (peer->port) peer->port->wake();
    }
    for (auto each = inbound_.begin(); each != inbound_.end();) {
      count_shed(LinkShed::too_old, each->second.queue.expire(now));
      const bool keep =
          fresh(each->second, now) && members_->allowed(each->second.curve_key, each->first);
      if (!keep) count_shed(LinkShed::unreachable, each->second.queue.clear());
      each = keep ? std::next(each) : inbound_.erase(each);
    }
  }
  for (const auto& peer : silent) {
    close(peer);
    open(peer);
  }
}

void Link::Core::retry_soon() {
  if (retry_waiting_ || stopped_) return;
  retry_waiting_ = true;
  retry_timer_.expires_after(kRetryInterval);
  retry_timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto core = weak.lock();
    if (!core) return;
    core->retry_waiting_ = false;
    if (error || core->stopped_) return;
    core->woken_inbound();
    if (core->router_) core->router_->wake();
    const std::lock_guard lock(core->mutex_);
    for (const auto& [node, peer] : core->outbound_) {
      if (!std::exchange(peer->blocked, false)) continue;
      if (peer->port) peer->port->wake();
    }
  });
}

}  // namespace tradewind
