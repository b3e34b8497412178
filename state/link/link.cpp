#include "state/link/link.h"

#include "state/identity/certificates.h"
#include "state/link/core.h"
#include "state/link/endpoint.h"

namespace tradewind {

std::string_view to_string(LinkDrop reason) {
  switch (reason) {
    case LinkDrop::malformed: return "malformed";
    case LinkDrop::oversized: return "oversized";
    case LinkDrop::unauthenticated: return "unauthenticated";
    case LinkDrop::chosen_route: return "chosen_route";
    case LinkDrop::not_allowed: return "not_allowed";
  }
  return "unknown";
}

std::string_view to_string(LinkShed reason) {
  switch (reason) {
    case LinkShed::no_route: return "no_route";
    case LinkShed::not_allowed: return "not_allowed";
    case LinkShed::oversized: return "oversized";
    case LinkShed::queue_full: return "queue_full";
    case LinkShed::too_old: return "too_old";
    case LinkShed::unreachable: return "unreachable";
  }
  return "unknown";
}

Result<std::unique_ptr<Link>> Link::open(boost::asio::any_io_executor executor, LinkOptions options,
                                         std::shared_ptr<const AuthTable> members,
                                         OnMessage on_message) {
  if (const Status form = check_node("self", options.self); !form) return fail(form.error());
  if (options.keys.public_key.size() != public_key_bytes ||
      options.keys.secret_key.size() != public_key_bytes) {
    return fail(ErrorCode::invalid, "keys", "are no CURVE key pair", "give 32 bytes each");
  }
  if (!options.bind.empty())
    if (const Status form = check_bind_endpoint("bind", options.bind); !form)
      return fail(form.error());
  auto core = std::make_shared<Core>(std::move(executor), std::move(options), std::move(members),
                                     std::move(on_message));
  if (const Status started = core->start(); !started) return fail(started.error());
  return std::unique_ptr<Link>(new Link(std::move(core)));
}

Link::Link(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Link::~Link() {
  core_->stop();
}

bool Link::send(const NodeId& to, Channel channel, Bytes payload) {
  return core_->send(to, channel, std::move(payload));
}
Status Link::connect(const NodeId& node, const std::string& endpoint, const Bytes& curve_key) {
  return core_->connect(node, endpoint, curve_key);
}
void Link::disconnect(const NodeId& node) {
  core_->disconnect(node);
}
std::vector<NodeId> Link::reachable() const {
  return core_->reachable();
}
const std::string& Link::bound_endpoint() const {
  return core_->bound_endpoint();
}
LinkCounters Link::counters() const {
  return core_->counters();
}
void Link::stop() {
  core_->stop();
}

}  // namespace tradewind
