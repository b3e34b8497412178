#include "broker/core/federation.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <thread>
#include <utility>

#include "schemas/codec.h"
#include "state/gossip/metrics.h"
#include "state/identity/records.h"
#include "state/link/link.h"
#include "state/link/metrics.h"

namespace tradewind {
namespace {

namespace asio = boost::asio;

// What waits for this thread at most; what finds no room is dropped, as on any network, and asked
// for again.
constexpr std::size_t kPostedMax = 200'000;
constexpr auto kTickMin = std::chrono::milliseconds(10);
constexpr auto kTickMax = std::chrono::seconds(1);

class LinkedFederation final : public Federation {
 public:
  LinkedFederation(FederationOptions options, Handlers handlers)
      : handlers_(std::move(handlers)),
        members_(std::make_shared<AuthTable>()),
        gossip_(gossip_options(options),
                [this](BytesView key, BytesView message, BytesView signature) {
                  const auto start = std::chrono::steady_clock::now();
                  const bool good = verify_record(key, message, signature);
                  verifying_ += std::chrono::steady_clock::now() - start;
                  return good;
                }),
        timer_(context_),
        work_(context_.get_executor()),
        options_(std::move(options)) {}

  ~LinkedFederation() override { stop(); }

  Status open() {
    LinkOptions link;
    link.self = options_.self;
    link.keys = options_.curve_keys;
    link.bind = options_.bind;
    link.message_age_max = options_.message_age_max;
    auto opened = Link::open(context_.get_executor(), std::move(link), members_,
                             [this](NodeId from, Channel channel, Bytes payload) {
                               on_message(from, channel, payload);
                             });
    if (!opened) return fail(std::move(opened.error()));
    link_ = std::move(*opened);
    endpoint_ = link_->bound_endpoint();
    wait();
    thread_ = std::thread([this] { context_.run(); });
    return ok();
  }

  void send(const SiteId& site, const ToGateway& message) override {
    if (!link_->send(site_node(site), Channel::dispatch, encode(message))) {
      spdlog::debug("link.shed site={}", site.value);  // the lifecycle asks again
    }
  }

  void publish(std::vector<SignedRecord> records) override {
    post([this, records = std::move(records)] {
      for (const SignedRecord& each : records) handle(gossip_.publish(each, system_now()));
    });
  }

  void publish(std::vector<Equivocation> proofs) override {
    post([this, proofs = std::move(proofs)] {
      for (const Equivocation& each : proofs) handle(gossip_.publish(each, system_now()));
    });
  }

  void offer(SignedRecord record) override {
    post([this, record = std::move(record)] { handle(gossip_.publish(record, system_now())); });
  }

  void set_registry_keys(std::vector<Bytes> keys) override {
    post([this, keys = std::move(keys)]() mutable { gossip_.set_registry_keys(std::move(keys)); });
  }

  std::string endpoint() const override { return endpoint_; }

  std::vector<std::pair<std::string, std::uint64_t>> drops() const override {
    std::vector<std::pair<std::string, std::uint64_t>> rows;
    const std::lock_guard lock(mutex_);
    for (const auto& [reason, count] : counters_.dropped)
      rows.emplace_back(to_string(reason), count);
    return rows;
  }

  std::string metrics() const override {
    const LinkCounters link = link_->counters();
    const std::lock_guard lock(mutex_);
    return metrics_text(counters_, verifying_so_far_, quarantined_) +
           metrics_text(link, counters_.messages_malformed);
  }

  void stop() override {
    if (!thread_.joinable()) return;
    link_->stop();
    asio::post(context_, [this] {
      timer_.cancel();
      work_.reset();
      context_.stop();
    });
    thread_.join();
  }

 private:
  static GossipOptions gossip_options(const FederationOptions& options) {
    GossipOptions gossip;
    gossip.self = options.self;
    gossip.registry_keys = options.registry_keys;
    gossip.seed = options.seed;
    return gossip;
  }

  template <class Work>
  void post(Work work) {
    if (posted_.fetch_add(1) >= kPostedMax) {
      posted_.fetch_sub(1);
      return;
    }
    asio::post(context_, [this, work = std::move(work)]() mutable {
      posted_.fetch_sub(1);
      work();
      wait();
    });
  }

  void on_message(const NodeId& from, Channel channel, BytesView payload) {
    if (!gossip_.hears(from, system_now())) return;
    if (channel == Channel::gossip) {
      const auto message = decode_gossip(payload);
      if (message) {
        handle(gossip_.receive(from, *message, system_now()));
        wait();
      } else {
        count_malformed(from, message.error());
      }
      return;
    }
    const auto site = site_of(from);
    auto message = decode_to_broker(payload);
    if (site && message) {
      handlers_.message(*site, std::move(*message));
    } else if (!message) {
      count_malformed(from, message.error());
    }
  }

  void count_malformed(const NodeId& from, const Error& error) {
    gossip_.malformed(from, system_now());
    spdlog::debug("link.malformed from={} {}", from.value, describe(error));
  }

  void handle(GossipOutput output) {
    for (Accepted& each : output.accepted) {
      if (const auto* member = std::get_if<Member>(&each.record.body)) admit(*member);
      handlers_.record(std::move(each.record), std::move(each.signed_record));
    }
    for (Equivocation& each : output.proofs) quarantine(std::move(each));
    for (const auto& each : output.sends)
      link_->send(each.to, Channel::gossip, encode(each.message));
  }

  void quarantine(Equivocation proof) {
    const auto header = header_of(proof);
    const auto site = header ? site_of(header->subject) : fail(header.error());
    if (!site) return;
    spdlog::warn("site.quarantined site={} kind={} epoch={} version={}", site->value,
                 to_string(header->kind), header->version.epoch, header->version.version);
    handlers_.quarantined(*site, std::move(proof));
  }

  void admit(const Member& member) {
    if (member.node == options_.self) return;
    if (member.state == MemberState::revoked) {
      members_->remove(member.node);
      spdlog::info("member.revoked node={}", member.node.value);
      return;
    }
    if (const auto known = members_->set(member.curve_key, member.node, member.former_curve_key);
        !known) {
      spdlog::warn("member.not_admitted node={} {}", member.node.value, describe(known.error()));
    }
  }

  // Those whose member records have ended.
  void expel() {
    if (std::exchange(changes_, gossip_.membership_changes()) == gossip_.membership_changes())
      return;
    members_->retain(
        [this](const NodeId& node) { return gossip_.find(node, RecordKind::member) != nullptr; });
  }

  void wait() {
    const Now now = system_now();
    const auto span = std::clamp<Mono::duration>(std::max(gossip_.next_tick(), now.mono) - now.mono,
                                                 kTickMin, kTickMax);
    timer_.expires_after(span);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      gossip_.set_peers(link_->reachable(), {});
      handle(gossip_.tick(system_now()));
      expel();
      {
        const std::lock_guard lock(mutex_);
        counters_ = gossip_.counters();
        verifying_so_far_ = verifying_;
        quarantined_ = gossip_.quarantined_count();
      }
      wait();
    });
  }

  Handlers handlers_;
  std::shared_ptr<AuthTable> members_;
  std::chrono::nanoseconds verifying_{};  // spent on signatures
  Gossip gossip_;
  std::uint64_t changes_ = 0;  // of the membership, as of the last expel()
  asio::io_context context_{1};
  asio::steady_timer timer_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  FederationOptions options_;
  std::unique_ptr<Link> link_;
  std::string endpoint_;
  std::atomic<std::size_t> posted_ = 0;
  mutable std::mutex mutex_;  // guards what other threads read
  GossipCounters counters_;
  std::chrono::nanoseconds verifying_so_far_{};
  std::size_t quarantined_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Federation>> Federation::start(FederationOptions options,
                                                      Handlers handlers) {
  auto federation = std::make_unique<LinkedFederation>(std::move(options), std::move(handlers));
  if (auto opened = federation->open(); !opened) return fail(std::move(opened.error()));
  return federation;
}

}  // namespace tradewind
