// tradewind-attempt: runs one attempt on a node of a cluster, as its gateway's ticket says.
//
//   tradewind-attempt EXCHANGE ATTEMPT
#include <curl/curl.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include <fmt/format.h>

#include "gateway/engines/attempt.h"
#include "gateway/engines/node_exchange.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr auto orders_interval = 200ms;

// What Slurm tells a job of its devices and nodes, and the job's programs want to know.
constexpr std::array<const char*, 5> passed_on{"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                               "ZE_AFFINITY_MASK", "GPU_DEVICE_ORDINAL",
                                               "SLURM_JOB_NODELIST"};

// The centre takes its node back. Slurm signals the job's processes at the same time, so that they
// may end before anything else is done here.
std::atomic<bool> preempted{false};
static_assert(std::atomic<bool>::is_always_lock_free);
void on_terminate(int) {
  preempted = true;
}

int complain(const Error& error) {
  fmt::print(stderr, "tradewind-attempt: {}\n", describe(error));
  return 1;
}

// Ends the attempt that this process has begun without running anything.
int end_unrun(const NodeExchange& exchange, const AttemptDirectory& directory, EndCode code,
              std::string detail) {
  EndReport report;
  report.code = code;
  report.detail = std::move(detail);
  report.usage.started = report.usage.ended = system_now().wall;
  fmt::print(stderr, "tradewind-attempt: {}\n", report.detail);
  const Status recorded = directory.write_end(report);
  directory.remove_files();
  if (!recorded) return complain(recorded.error());
  const Status told = exchange.tell_phase(directory.name(), AttemptPhase::ended);
  return told ? 0 : complain(told.error());
}

// Reads the gateway's orders while the attempt runs, and sees that they are obeyed.
class Orders {
 public:
  Orders(boost::asio::io_context& io, const NodeExchange& exchange, std::string name,
         Attempt& attempt)
      : exchange_(exchange), name_(std::move(name)), attempt_(attempt), timer_(io) {}

  void follow(const NodeOrders& orders) {
    if (over_) return;
    const Now now = system_now();
    if (orders.stop) attempt_.stop(*orders.stop);
    if (preempted) attempt_.stop(EndCode::preempted);
    if (orders.lease_end) {
      if (*orders.lease_end <= now.wall) attempt_.stop(EndCode::lease_expired);
      if (orders.lease_end != lease_end_) {
        attempt_.set_lease(now.mono + (*orders.lease_end - now.wall));
      }
    }
    lease_end_ = orders.lease_end;
    newest_ = orders;
    timer_.expires_after(orders_interval);
    timer_.async_wait([this](const boost::system::error_code& problem) {
      if (problem) return;
      // Where they cannot be read now, the newest that were hold.
      const auto read = exchange_.read_orders(name_);
      follow(read ? *read : newest_);
    });
  }
  void end() {
    over_ = true;
    timer_.cancel();
  }

 private:
  const NodeExchange& exchange_;
  const std::string name_;
  Attempt& attempt_;
  boost::asio::steady_timer timer_;
  std::optional<Wall::time_point> lease_end_;
  NodeOrders newest_;
  bool over_ = false;
};

int run(const std::string& folder, const std::string& name) {
  const NodeExchange exchange(folder);
  auto ticket = exchange.read_ticket(name);
  if (!ticket) return complain(ticket.error());
  const auto orders = exchange.read_orders(name);
  if (!orders) return complain(orders.error());
  auto options = exchange.read_settings();
  if (!options) return complain(options.error());
  const auto directory = AttemptDirectory::of(options->attempts_directory, ticket->attempt);
  if (!directory) return complain(directory.error());
  if (const Status begun = directory->create(); !begun) {
    if (begun.error().code != ErrorCode::conflict) return complain(begun.error());
    fmt::print(stderr, "tradewind-attempt: {} was begun before; nothing is done\n", name);
    return 0;
  }
  if (orders->stop)
    return end_unrun(exchange, *directory, *orders->stop, "stopped before it began");
  if (orders->lease_end && *orders->lease_end <= system_now().wall) {
    return end_unrun(exchange, *directory, EndCode::lease_expired,
                     "the lease ran out before Slurm began it");
  }
  for (const char* each : passed_on) {
    if (const char* value = std::getenv(each)) ticket->assignment.env.try_emplace(each, value);
  }

  boost::asio::io_context io(1);
  std::optional<Sandbox> sandbox;
  if (options->sandbox == SandboxMode::bubblewrap) {
    auto probed = Sandbox::probe(*options);
    if (!probed) {
      return end_unrun(exchange, *directory, EndCode::engine_failed, describe(probed.error()));
    }
    sandbox = std::move(*probed);
  }
  std::optional<Containers> containers;
  if (options->containers) {
    auto probed = Containers::probe(*options);
    if (!probed) {
      return end_unrun(exchange, *directory, EndCode::engine_failed, describe(probed.error()));
    }
    containers = std::move(*probed);
    // Of attempts that this node was told to end with all their processes.
    containers->remove_left([&options](const std::string& each) {
      const auto end = AttemptDirectory::named(options->attempts_directory, each).read_end();
      return end && *end;
    });
  }
  auto guard =
      LeaseGuard::start(1, containers ? containers->removal() : std::vector<std::string>{});
  if (!guard) {
    return end_unrun(exchange, *directory, EndCode::engine_failed, describe(guard.error()));
  }
  WorkerPool transfers(options->staging_workers, options->staging_workers);
  WorkerPool chores(1, 8);
  WorkerPool runtime(1, 8);
  int status = 0;
  EngineContext context{.io = io,
                        .options = std::move(*options),
                        .sandbox = std::move(sandbox),
                        .cgroups = std::nullopt,
                        .containers = std::move(containers),
                        .guard = std::move(*guard),
                        .transfers = &transfers,
                        .chores = &chores,
                        .runtime = &runtime,
                        .begun = true,
                        .preempted = &preempted,
                        .on_event = {}};
  const auto attempt = std::make_shared<Attempt>(context, ticket->attempt,
                                                 std::move(ticket->assignment), *directory);
  Orders following(io, exchange, name, *attempt);
  context.on_event = [&](const EngineEvent& event) {
    const Status told = exchange.tell_phase(name, event.phase);
    if (!told) complain(told.error());
    if (event.phase != AttemptPhase::ended) return;
    status = told ? 0 : 1;
    following.end();
  };
  attempt->start();
  following.follow(*orders);
  io.run();
  return status;
}

}  // namespace
}  // namespace tradewind

int main(int count, char** values) {
  if (count != 3) {
    fmt::print(stderr, "usage: tradewind-attempt EXCHANGE ATTEMPT\n");
    return 2;
  }
  struct sigaction action{};
  action.sa_handler = &tradewind::on_terminate;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGTERM, &action, nullptr);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  return tradewind::run(values[1], values[2]);
}
