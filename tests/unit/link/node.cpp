#include "tests/unit/link/node.h"

#include <chrono>

#include "schemas/assert.h"

namespace tradewind {

using namespace std::chrono_literals;

Node::Node(const std::string& name, std::shared_ptr<AuthTable> members, const std::string& bind,
           CurveKeys keys, const Adjust& adjust)
    : id_{name}, keys_(std::move(keys)) {
  LinkOptions options;
  options.self = id_;
  options.keys = keys_;
  options.bind = bind == "none" ? "" : bind;
  options.hello_interval = 50ms;
  options.reopen_after = 500ms;
  adjust(options);
  auto link = Link::open(executor_.get_executor(), options, std::move(members),
                         [this](NodeId from, Channel channel, Bytes payload) {
                           const std::lock_guard lock(mutex_);
                           arrivals_.push_back({std::move(from), channel, std::move(payload)});
                           arrived_.notify_all();
                         });
  if (!link) std::fprintf(stderr, "%s\n", describe(link.error()).c_str());
  TRADEWIND_ASSERT(link.has_value());
  link_ = std::move(*link);
  thread_ = std::thread([this] { executor_.run(); });
}

Node::~Node() {
  link_->stop();
  thread_.join();  // the executor runs dry by itself
}

void Node::connect_to(const Node& peer) {
  const Status connected = link_->connect(peer.id(), peer.endpoint(), peer.keys().public_key);
  TRADEWIND_ASSERT(connected.has_value());
}

bool Node::await_arrivals(std::size_t count) {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, 60s, [&] { return arrivals_.size() >= count; });
}

std::vector<Arrival> Node::arrivals() const {
  const std::lock_guard lock(mutex_);
  return arrivals_;
}

bool Node::reaches(const NodeId& peer) const {
  const auto nodes = link_->reachable();
  return std::find(nodes.begin(), nodes.end(), peer) != nodes.end();
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

}  // namespace tradewind
