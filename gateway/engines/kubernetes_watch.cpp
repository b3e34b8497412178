#include "gateway/engines/kubernetes_watch.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include <fmt/format.h>

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr auto back_off_first = 500ms;
constexpr auto back_off_max = 10s;
// The API server is busy with our counting a tenth of the time at most.
constexpr int poll_share = 10;

std::string_view name_of(KubernetesKind kind) {
  return kind == KubernetesKind::job ? "jobs" : "pods";
}

Result<KubernetesCluster> ask_cluster(KubernetesApi& api) {
  const auto nodes = api.list(KubernetesApi::nodes_path());
  if (!nodes) return fail(nodes.error());
  const auto pods = api.list(KubernetesApi::all_pods_path());
  if (!pods) return fail(pods.error());
  KubernetesCluster cluster;
  for (const auto& each : nodes->items) {
    if (auto node = read_kubernetes_node(each)) cluster.nodes.push_back(std::move(*node));
  }
  for (const auto& each : pods->items) {
    if (auto pod = read_kubernetes_pod(each)) cluster.pods.push_back(std::move(*pod));
  }
  return cluster;
}

}  // namespace

KubernetesWatch::KubernetesWatch(boost::asio::io_context& io, KubernetesApi& api,
                                 const std::string& gateway,
                                 std::chrono::milliseconds poll_interval, Warnings& warnings,
                                 Handlers handlers)
    : LoopTasks(io),
      api_(api),
      poll_interval_(poll_interval),
      warnings_(warnings),
      handlers_(std::move(handlers)),
      following_{Following{.path = api_.jobs_path(gateway),
                           .timer = boost::asio::steady_timer(io),
                           .back_off = back_off_first},
                 Following{.path = api_.pods_path(gateway),
                           .timer = boost::asio::steady_timer(io),
                           .back_off = back_off_first}},
      count_timer_(io),
      calls_(kubernetes_kinds + 1, kubernetes_kinds + 1) {
  for (const KubernetesKind each : {KubernetesKind::job, KubernetesKind::pod}) list(each);
  count();
}

void KubernetesWatch::heard(std::string_view kind, const Status& answer) {
  const std::string what(kind);
  if (answer) {
    troubles_.erase(what);
  } else {
    troubles_[what] = answer.error();
    warnings_.tell("kubernetes", describe(answer.error()));
  }
  waiting_for_.erase(what);
  const bool was_down = down_.has_value();
  if (!troubles_.empty()) {
    down_ = troubles_.begin()->second;
    down_->code = ErrorCode::unavailable;
  } else if (waiting_for_.empty()) {
    down_.reset();
    if (was_down) warnings_.tell("kubernetes", fmt::format("Kubernetes answers at {}", api_.url()));
  }
}

void KubernetesWatch::list(KubernetesKind kind) {
  run(
      calls_, [this, path = followed(kind).path] { return api_.list(path); },
      [this, kind](Result<KubernetesList> listed) {
        Following& following = followed(kind);
        heard(name_of(kind), listed ? ok() : Status(fail(listed.error())));
        if (!listed) {
          const Mono::duration pause = following.back_off;
          following.back_off = std::min<Mono::duration>(pause * 2, back_off_max);
          return after(following.timer, pause, [this, kind] { list(kind); });
        }
        following.back_off = back_off_first;
        following.version = std::move(listed->version);
        for (const std::string& gone : objects_.put_all(kind, listed->items)) drop(kind, gone);
        handlers_.listed();
        watch(kind);
      });
}

void KubernetesWatch::watch(KubernetesKind kind) {
  run(
      calls_,
      [this, kind, path = followed(kind).path, version = followed(kind).version] {
        return api_.watch(path, version, [this, kind](KubernetesEvent event) {
          boost::asio::post(
              io_, guarded([this, kind, event = std::move(event)] { on_change(kind, event); }));
        });
      },
      [this, kind](const Status& ended) {
        if (ended && !std::exchange(followed(kind).expired, false)) return watch(kind);
        // The version is too old, or the server away: all is asked for anew.
        if (!ended && ended.error().code != ErrorCode::not_found) {
          heard(name_of(kind), ended);
        }
        list(kind);
      });
}

void KubernetesWatch::on_change(KubernetesKind kind, const KubernetesEvent& event) {
  if (event.change == KubernetesChange::expired) {
    followed(kind).expired = true;
    return;
  }
  if (!event.version.empty()) followed(kind).version = event.version;
  if (event.change == KubernetesChange::bookmark) return;
  const auto attempt = objects_.put(kind, event.object);
  if (!attempt) return;
  if (event.change == KubernetesChange::gone) {
    drop(kind, *attempt);
  } else {
    handlers_.changed(*attempt);
  }
}

void KubernetesWatch::drop(KubernetesKind kind, const std::string& attempt) {
  if (kind == KubernetesKind::pod) {
    handlers_.gone(attempt);
    return objects_.drop(kind, attempt);
  }
  objects_.drop(kind, attempt);
  // A job goes after its pods; one without any has never run.
  if (objects_.pod(attempt) == nullptr) handlers_.gone(attempt);
}

void KubernetesWatch::count() {
  struct Counted {
    Result<KubernetesCluster> cluster;
    Mono::duration took{};
  };
  run(
      calls_,
      [this] {
        const Mono::time_point asked = system_now().mono;
        Counted counted{ask_cluster(api_)};
        if (counted.cluster) counted.took = system_now().mono - asked;
        return counted;
      },
      [this](const Counted& counted) {
        heard("nodes", counted.cluster ? ok() : Status(fail(counted.cluster.error())));
        handlers_.counted(counted.cluster ? &*counted.cluster : nullptr);
        after(count_timer_, std::max<Mono::duration>(poll_interval_, poll_share * counted.took),
              [this] { count(); });
      });
}

}  // namespace tradewind
