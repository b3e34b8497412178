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
#include "state/identity/records.h"
#include "state/link/link.h"

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

  std::string metrics() const override;

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
    const std::lock_guard lock(mutex_);
    ++malformed_;
    spdlog::debug("link.malformed from={} {}", from.value, describe(error));
  }

  void handle(GossipOutput output) {
    for (Accepted& each : output.accepted) {
      if (const auto* member = std::get_if<Member>(&each.record.body)) admit(*member);
      handlers_.record(std::move(each.record), std::move(each.signed_record));
    }
    for (const auto& each : output.sends)
      link_->send(each.to, Channel::gossip, encode(each.message));
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
  std::uint64_t malformed_ = 0;
  std::thread thread_;
};

void add_sheet_ages(std::string& text, const GossipCounters& gossip) {
  constexpr std::string_view name = "tradewind_gossip_sheet_age_seconds";
  text += fmt::format(
      "# HELP {0} Age of quote sheets when they were taken, from issued.\n# TYPE {0} histogram\n",
      name);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < gossip.sheets_by_age.size(); ++i) {
    count += gossip.sheets_by_age[i];
    const std::string bound =
        i < sheet_ages_ms.size() ? fmt::format("{}", sheet_ages_ms[i] / 1'000.0) : "+Inf";
    text += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, bound, count);
  }
  text += fmt::format("{}_sum {:.3f}\n{}_count {}\n", name,
                      static_cast<double>(gossip.sheet_age_ms_sum) / 1'000, name, count);
}

std::string LinkedFederation::metrics() const {
  GossipCounters gossip;
  std::uint64_t malformed = 0;
  std::chrono::nanoseconds verifying{};
  {
    const std::lock_guard lock(mutex_);
    gossip = counters_;
    verifying = verifying_so_far_;
    malformed = malformed_;
  }
  const LinkCounters link = link_->counters();
  std::string text;
  const auto head = [&text](std::string_view name, std::string_view help) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} counter\n", name, help);
  };
  const auto add = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    head(name, help);
    text += fmt::format("{} {}\n", name, value);
  };
  add("tradewind_gossip_rounds_total", "Gossip rounds started.", gossip.rounds);
  add("tradewind_gossip_early_rounds_total", "Of these, for news before their time.",
      gossip.early_rounds);
  add("tradewind_gossip_sent_bytes_total", "Bytes of records and digests sent.", gossip.bytes_sent);
  add("tradewind_gossip_received_bytes_total", "Bytes of records and digests received.",
      gossip.bytes_received);
  add("tradewind_gossip_received_records_total", "Records received, copies too.",
      gossip.records_received);
  add("tradewind_gossip_refused_messages_total",
      "Gossip messages refused whole, over a pace, a byte budget or a size.",
      gossip.messages_refused);
  add("tradewind_gossip_verified_total", "Signatures checked.", gossip.verified);
  head("tradewind_gossip_verifying_seconds_total", "Time spent on checking signatures.");
  text += fmt::format("tradewind_gossip_verifying_seconds_total {:.6f}\n",
                      std::chrono::duration<double>(verifying).count());
  add_sheet_ages(text, gossip);
  head("tradewind_gossip_dropped_total", "Records not taken, by reason.");
  for (const auto& [reason, count] : gossip.dropped) {
    text += fmt::format("tradewind_gossip_dropped_total{{reason=\"{}\"}} {}\n", to_string(reason),
                        count);
  }
  add("tradewind_link_sent_total", "Messages handed to the network.", link.messages_sent);
  add("tradewind_link_received_total", "Messages received.", link.messages_received);
  add("tradewind_link_malformed_total", "Messages whose content could not be decoded.", malformed);
  head("tradewind_link_dropped_total", "Messages dropped on arrival, by reason.");
  for (const auto& [reason, count] : link.dropped) {
    text +=
        fmt::format("tradewind_link_dropped_total{{reason=\"{}\"}} {}\n", to_string(reason), count);
  }
  head("tradewind_link_shed_total", "Messages not sent, by reason.");
  for (const auto& [reason, count] : link.shed) {
    text +=
        fmt::format("tradewind_link_shed_total{{reason=\"{}\"}} {}\n", to_string(reason), count);
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<Federation>> Federation::start(FederationOptions options,
                                                      Handlers handlers) {
  auto federation = std::make_unique<LinkedFederation>(std::move(options), std::move(handlers));
  if (auto opened = federation->open(); !opened) return fail(std::move(opened.error()));
  return federation;
}

}  // namespace tradewind
