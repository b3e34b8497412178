// The shell around the gateway's cores: one thread that reads the links, the engine and the clock,
// steps the cores, makes durable what they say, and only then does the rest.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/admission/admission.h"
#include "gateway/daemon_parts.h"
#include "gateway/engines/engine.h"
#include "gateway/membership.h"
#include "gateway/metrics.h"
#include "gateway/metrics_server.h"
#include "gateway/neighbourhood.h"
#include "gateway/publisher.h"
#include "gateway/renewer.h"
#include "gateway/site_file.h"
#include "gateway/site_findings.h"
#include "gateway/site_witness.h"
#include "gateway/store.h"
#include "schemas/result.h"
#include "state/disk/disk_reserve.h"
#include "state/gossip/gossip.h"
#include "state/link/link.h"

namespace tradewind {

struct DaemonOptions {
  std::filesystem::path directory;  // attempts run below it
  std::string site_file;            // read again by reload()
  std::string ready_file;           // there while it is ready; empty: none
  std::string listen;               // in place of the site file's link.listen; empty: as there
  std::string advertise;            // likewise
  std::string metrics_listen;       // likewise of metrics.listen
  std::uint32_t disk_reserve_mib = DiskReserve::mib_default;  // of the directory's file system
  // The broker's endpoint, where the certificate is renewed; an empty URL: it is not.
  BrokerConnection broker;
  std::function<void()> on_stopped;  // may be empty
};

class Daemon {
 public:
  using MakeEngine = std::function<Result<std::unique_ptr<Engine>>(Engine::OnEvent on_event)>;

  // Starts on `io`, which one thread runs and which must outlive it: recovers what was held, binds
  // the link, publishes the first records. Fails as its parts do, and when the site file is not the
  // member's.
  static Result<std::unique_ptr<Daemon>> start(boost::asio::io_context& io, DaemonOptions options,
                                               DaemonParts parts, const MakeEngine& make_engine);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // All of these on the io thread.

  // Reads the site file again and publishes what changed. A file that is wrong, or that changes
  // what only a restart can, changes nothing and is logged.
  void reload();
  // Ends what runs, closes the links and calls `on_stopped`. Twice is fine.
  void stop(const std::string& why);
  // Why it stopped: an error when it could not go on.
  const Status& outcome() const { return outcome_; }

  const std::string& endpoint() const { return link_->bound_endpoint(); }
  const Gossip& gossip() const { return gossip_; }
  const Admission& admission() const { return *admission_; }

 private:
  struct Arrived {
    NodeId from;
    Channel channel = Channel::gossip;
    Bytes payload;
  };

  Daemon(boost::asio::io_context& io, DaemonOptions options, DaemonParts parts,
         std::unique_ptr<SiteWitness> witness);
  Status begin(const MakeEngine& make_engine);
  Status open_link(std::string bind);
  std::unique_ptr<Admission> make_admission(const SiteRecord& record) const;

  void on_message(NodeId from, Channel channel, Bytes payload);
  void drain();
  void on_gossip(const NodeId& from, const Bytes& payload, Now now);
  void on_dispatch(const NodeId& from, const Bytes& payload, Now now, AdmissionOutput& output);
  void answer_cosigns(Now now);
  void answer_log(const NodeId& broker, const ReadLog& request);
  void on_event(EngineEvent event);

  void carry_out(AdmissionOutput output);
  void carry_out(GossipOutput output);
  void accept(const Accepted& accepted);
  void tell(const Equivocation& proof);
  void learn(const Record& record);
  void publish_own(const SignedRecord& record, Now now);
  void send(const NodeId& to, Channel channel, const Bytes& payload);
  void publish_due(Now now);
  // What is not granted and the engine can take now.
  std::vector<PoolCapacity> capacity(Now now) const;
  // Tells the publisher when the engine can take more or less than before.
  void look_at_engine();
  void refresh_peers();
  // In which state the site of this record is, as the space on its disk lets it.
  SiteState state_of(const SiteRecord& record) const;
  // Drains the site while its disk is short of space.
  void look_at_disk(Now now);
  // Publishes what the site has found out, when it is news.
  void refresh_findings(Now now);
  void note(const std::vector<StagedFile>& transfers, Now now);
  std::string metrics() const;
  void tick();
  void arm();
  void look_ready();
  void remove_ready_file();

  // daemon_changes.cpp

  // What a renewal has given takes the place of what was.
  Status take_over(Renewed renewed);
  Status take_over(TrustChain trust);
  // With the keys of now; the endpoint stays. Tries again until it can.
  void reopen_link(std::string bind, Mono::time_point give_up_at);
  // A new capacity book over what the store holds, for another description of the site.
  Status replace_admission(const SiteRecord& record, Now now);
  void give_up(const Error& error);

  boost::asio::io_context& io_;
  DaemonOptions options_;
  SiteFile site_;
  NodeKeys keys_;
  std::unique_ptr<Store> store_;
  Membership membership_;
  std::unique_ptr<SiteWitness> witness_;
  NodeId self_;
  Publisher publisher_;
  std::chrono::nanoseconds verifying_{};  // spent on signatures
  Gossip gossip_;
  std::shared_ptr<AuthTable> table_ = std::make_shared<AuthTable>();
  std::unique_ptr<Link> link_;
  std::optional<Neighbourhood> neighbourhood_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::optional<EngineCapacity>> engine_capacity_;  // of the pools, when last looked at
  std::unique_ptr<Admission> admission_;
  std::optional<SignedSheet> sheet_;  // the newest, as admission is bound by it
  SiteFindings findings_;
  DiskReserve disk_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer link_timer_;
  std::unique_ptr<Renewer> renewer_;  // null: nothing is renewed
  std::deque<Arrived> inbox_;
  std::vector<std::pair<NodeId, CosignCheckpoint>> cosigns_;  // asked for in this step
  bool draining_ = false;                                     // a drain is posted
  std::uint64_t shed_ = 0;
  Mono::time_point peers_refreshed_{};
  std::uint64_t membership_changes_ = 0;  // as of the last look at who has ended
  GatewayEvents events_;
  std::unique_ptr<MetricsServer> metrics_;
  bool heard_ = false;  // a peer has spoken
  bool ready_ = false;
  bool stopped_ = false;
  Status outcome_ = ok();
  // What waits on `io` may be run after this daemon is gone; it looks here first.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tradewind
