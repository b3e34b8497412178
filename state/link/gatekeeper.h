// Answers ZeroMQ's question whether a connection may be made (ZAP, RFC 27): whoever holds the
// secret key of a member may. Only this room's sources include it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "state/link/auth_table.h"
#include "state/link/zmq_port.h"

namespace tradewind {

inline constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";
inline constexpr const char* zap_domain = "tradewind";

class Gatekeeper : public ZmqPort::Traffic {
 public:
  // `answered` is told of each answer, on the port's executor.
  Gatekeeper(std::shared_ptr<const AuthTable> members, std::function<void(bool admitted)> answered)
      : members_(std::move(members)), answered_(std::move(answered)) {}

  ZmqPort::Frames next() override;
  void done(ZmqPort::Outcome outcome) override;
  void receive(ZmqPort::Frames request) override;
  void woken() override {}

 private:
  std::shared_ptr<const AuthTable> members_;
  std::function<void(bool)> answered_;
  ZmqPort::Frames answer_;  // a REP socket asks again only when it was answered: there is but one
};

// Who sent a frame, as the gatekeeper noted it on its connection.
struct Sender {
  NodeId node;
  Bytes curve_key;
};
// Nothing when the connection never came past the gatekeeper.
std::optional<Sender> sender_of(zmq::message_t& frame);

}  // namespace tradewind
