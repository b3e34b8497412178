#include "state/link/gatekeeper.h"

#include <zmq.h>

#include <string_view>

#include "state/identity/encoding.h"

namespace tradewind {
namespace {

constexpr std::string_view kKeyProperty = "Tradewind-Curve-Key";

std::string_view text_of(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

// ZMTP's form of a property: length and name, four bytes of length and the value.
std::string property(std::string_view name, std::string_view value) {
  std::string text(1, static_cast<char>(name.size()));
  text += name;
  for (int shift = 24; shift >= 0; shift -= 8)
    text += static_cast<char>((value.size() >> shift) & 0xffU);
  text += value;
  return text;
}

}  // namespace

ZmqPort::Frames Gatekeeper::next() {
  return std::exchange(answer_, {});
}

void Gatekeeper::done(ZmqPort::Outcome /*outcome*/) {}

void Gatekeeper::receive(ZmqPort::Frames request) {
  // Version, request id, domain, address, identity, mechanism, credentials.
  const bool readable = request.size() == 7 && text_of(request[0]) == "1.0";
  std::optional<NodeId> node;
  if (readable && text_of(request[2]) == zap_domain && text_of(request[5]) == "CURVE")
    node = members_->find(text_of(request[6]));
  const auto frame = [](std::string_view text) { return zmq::message_t(text.data(), text.size()); };
  answer_.clear();
  answer_.push_back(frame("1.0"));
  answer_.push_back(frame(request.size() > 1 ? text_of(request[1]) : ""));
  answer_.push_back(frame(node ? "200" : "400"));
  answer_.push_back(frame(node ? "welcome" : "this key is not a member's"));
  answer_.push_back(frame(node ? node->value : ""));
  answer_.push_back(frame(node ? property(kKeyProperty, hex(text_of(request[6]))) : ""));
  answered_(node.has_value());
}

std::optional<Sender> sender_of(zmq::message_t& frame) {
  const char* const node = zmq_msg_gets(frame.handle(), "User-Id");
  const char* const key = zmq_msg_gets(frame.handle(), kKeyProperty.data());
  if (node == nullptr || key == nullptr) return std::nullopt;
  auto bytes = hex_decode("key", key);
  if (!bytes) return std::nullopt;
  return Sender{NodeId{node}, std::move(*bytes)};
}

}  // namespace tradewind
