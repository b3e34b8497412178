// Carries words between a queue's engine and its nodes, over a NodeExchange: each attempt's orders
// once they are due, and what nodes tell of themselves. All on the loop's thread; threads of its
// own read and write the shared files.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/engines/loop_tasks.h"
#include "gateway/engines/node_exchange.h"
#include "gateway/engines/warnings.h"
#include "gateway/staging/worker_pool.h"
#include "schemas/dispatch.h"
#include "schemas/time.h"

namespace tradewind {

class NodeCourier : private LoopTasks {
 public:
  struct News {
    std::string name;  // AttemptDirectory::name(), as everywhere here
    AttemptPhase phase = AttemptPhase::granted;
    std::optional<EndReport> end{};  // with AttemptPhase::ended, where it can be read
  };
  using OnNews = std::function<void(News)>;

  // Looks for news from now on: every `interval`, and once a second while it follows no attempt.
  // `attempts_max` may be followed at once. `exchange` and `warnings` must outlive it.
  NodeCourier(boost::asio::io_context& io, const NodeExchange& exchange,
              std::filesystem::path attempts_directory, std::chrono::milliseconds interval,
              std::size_t attempts_max, Warnings& warnings, OnNews on_news);

  // The attempt's ticket is written, with these orders.
  void follow(const std::string& name, const NodeOrders& told);
  // These hold now. They are written when they are due (node_exchange.h), and tried again where
  // they cannot be. Without effect on an attempt that is not followed: its ticket will have them.
  void order(const std::string& name, const NodeOrders& orders);
  // It has ended.
  void leave(const std::string& name) { followed_.erase(name); }

 private:
  struct Followed {
    NodeOrders orders;
    NodeOrders told;
    bool on_their_way = false;
  };
  using FollowedMap = std::map<std::string, Followed>;

  void send(FollowedMap::value_type& followed);
  // What waited, or could not be written.
  void send_due();
  std::vector<News> read_news() const;
  void look();

  const NodeExchange& exchange_;
  const std::filesystem::path attempts_directory_;
  const std::chrono::milliseconds interval_;
  Warnings& warnings_;
  const OnNews on_news_;
  FollowedMap followed_;
  Mono::time_point send_at_{};
  boost::asio::steady_timer timer_;
  // Last: its threads use what stands above.
  WorkerPool chores_;
};

}  // namespace tradewind
