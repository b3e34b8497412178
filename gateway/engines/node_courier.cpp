#include "gateway/engines/node_courier.h"

#include <utility>

#include "gateway/engines/attempt_directory.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t threads = 2;
constexpr auto idle_interval = 1s;
constexpr auto orders_interval = 500ms;

}  // namespace

NodeCourier::NodeCourier(boost::asio::io_context& io, const NodeExchange& exchange,
                         std::filesystem::path attempts_directory,
                         std::chrono::milliseconds interval, std::size_t attempts_max,
                         Warnings& warnings, OnNews on_news)
    : LoopTasks(io),
      exchange_(exchange),
      attempts_directory_(std::move(attempts_directory)),
      interval_(interval),
      warnings_(warnings),
      on_news_(std::move(on_news)),
      timer_(io),
      chores_(threads, attempts_max * 2 + 1) {
  look();
}

void NodeCourier::follow(const std::string& name, const NodeOrders& told) {
  followed_[name] = {told, told};
}

void NodeCourier::order(const std::string& name, const NodeOrders& orders) {
  const auto found = followed_.find(name);
  if (found == followed_.end()) return;
  found->second.orders = orders;
  send(*found);
}

void NodeCourier::send(FollowedMap::value_type& followed) {
  auto& [name, state] = followed;
  if (state.on_their_way || !due(state.orders, state.told, system_now().wall)) return;
  state.on_their_way = true;
  state.told = state.orders;
  run(
      chores_, [this, name, orders = state.orders] { return exchange_.write_orders(name, orders); },
      [this, name](const Status& written) {
        const auto found = followed_.find(name);
        if (found == followed_.end()) return;
        found->second.on_their_way = false;
        if (!written) {
          // Tried again soon; without a renewal the lease ends on the node.
          found->second.told = {};
          warnings_.tell("orders", describe(written.error()));
          return;
        }
        warnings_.clear("orders");
        send(*found);
      });
}

void NodeCourier::send_due() {
  const Mono::time_point now = system_now().mono;
  if (now < send_at_) return;
  send_at_ = now + orders_interval;
  for (auto& each : followed_) send(each);
}

std::vector<NodeCourier::News> NodeCourier::read_news() const {
  std::vector<News> all;
  for (std::string& name : exchange_.take_news()) {
    const auto phase = exchange_.read_phase(name);
    if (!phase) continue;
    News news{std::move(name), *phase};
    if (news.phase == AttemptPhase::ended) {
      auto end = AttemptDirectory::named(attempts_directory_, news.name).read_end();
      if (end) news.end = std::move(*end);
    }
    all.push_back(std::move(news));
  }
  return all;
}

void NodeCourier::look() {
  run(
      chores_, [this] { return read_news(); },
      [this](std::vector<News> all) {
        for (News& each : all) on_news_(std::move(each));
        send_due();
        const Mono::duration idle = idle_interval;
        after(timer_, followed_.empty() ? idle : Mono::duration(interval_), [this] { look(); });
      });
}

}  // namespace tradewind
