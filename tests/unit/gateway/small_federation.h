// A federation in one thread: an authority, a node that speaks as a broker over real links, and
// directories of sites that have joined.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/daemon.h"
#include "gateway/membership.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/gossip/gossip.h"
#include "state/identity/authority.h"
#include "state/identity/certificates.h"
#include "state/identity/records.h"
#include "state/link/link.h"

namespace tradewind {

// Runs `io` until `done`, for at most `patience`.
inline bool run_until(boost::asio::io_context& io, const std::function<bool()>& done,
                      std::chrono::seconds patience = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    io.run_for(std::chrono::milliseconds(10));
    io.restart();
  }
  return true;
}

// The members of the federation, and who signs for them.
class SmallFederation {
 public:
  SmallFederation()
      : SmallFederation(*CertificateAuthority::create(FederationId{"trade"}, system_now().wall)) {}
  explicit SmallFederation(CertificateAuthority authority) : authority_(std::move(authority)) {}

  const CertificateAuthority& authority() const { return authority_; }

  // A record of the next version.
  SignedRecord admit(const NodeId& node, std::uint32_t number, const NodeKeys& keys,
                     const std::string& endpoint = {}, const std::string& log_key = {}) {
    return admit(node, number, keys.identity.public_key(), keys.curve.public_key, endpoint,
                 MemberState::active, log_key);
  }
  SignedRecord admit(const NodeId& node, std::uint32_t number, const Bytes& identity_key,
                     const Bytes& curve_key, const std::string& endpoint,
                     MemberState state = MemberState::active, const std::string& log_key = {}) {
    Member member;
    member.node = node;
    member.number = MemberNumber{number};
    member.state = state;
    member.identity_key = identity_key;
    member.curve_key = curve_key;
    member.endpoint = endpoint;
    member.log_key = log_key;
    return make_member_record(authority_.registry_key(), member, RecordVersion{1, ++version_},
                              system_now(), std::chrono::hours(24));
  }

  // The directory of a site as a join leaves it behind. Returns the site's member record.
  SignedRecord join(const std::filesystem::path& directory, const SiteId& site,
                    std::uint32_t number, const std::vector<SignedRecord>& others) {
    const auto keys = load_or_make_keys(directory);
    EXPECT_TRUE(keys);
    const auto csr = make_csr(keys->identity, site_node(site), authority_.federation());
    const Now now = system_now();
    MembershipPapers papers{
        *authority_.issue(*csr, site_node(site), std::chrono::hours(24), now.wall),
        authority_.trust(), others};
    const SignedRecord own = admit(site_node(site), number, *keys);
    papers.members.push_back(own);
    const auto membership = check_membership(std::move(papers), *keys, now.wall);
    EXPECT_TRUE(membership) << describe(membership.error());
    const auto store = Store::open(store_directory(directory), now);
    EXPECT_TRUE(store);
    EXPECT_TRUE(save_membership(directory, **store, *membership));
    return own;
  }

 private:
  CertificateAuthority authority_;
  std::uint64_t version_ = 0;
};

// What a broker is to a gateway: a listening link, gossip, and a pile of what gateways said.
class SpeakingBroker {
 public:
  SpeakingBroker(boost::asio::io_context& io, SmallFederation& federation,
                 const std::string& name = "eu-1", std::uint32_t number = 1)
      : node_(broker_node(name)),
        keys_{SigningKey::generate(), CurveKeys::generate()},
        gossip_(gossip_options(federation, node_), verify_record),
        timer_(io) {
    LinkOptions options;
    options.self = node_;
    options.keys = keys_.curve;
    options.bind = "tcp://127.0.0.1:0";
    auto link = Link::open(io.get_executor(), options, table_,
                           [this](NodeId from, Channel channel, Bytes payload) {
                             on_message(from, channel, payload);
                           });
    EXPECT_TRUE(link) << describe(link.error());
    link_ = std::move(*link);
    record_ = federation.admit(node_, number, keys_, link_->bound_endpoint());
    know(record_);
    tick();
  }
  ~SpeakingBroker() {
    timer_.cancel();
    link_->stop();
  }

  const SignedRecord& record() const { return record_; }
  // From now on its member record says so.
  void name_log(SmallFederation& federation, const std::string& log_key) {
    know(federation.admit(node_, 1, keys_, link_->bound_endpoint(), log_key));
  }
  const Gossip& gossip() const { return gossip_; }
  const Accepted* find(const SiteId& site, RecordKind kind) const {
    return gossip_.find(site_node(site), kind);
  }
  void know(const SignedRecord& member) {
    const GossipOutput output = gossip_.publish(member, system_now());
    EXPECT_EQ(output.accepted.size(), 1u);
    take(output);
  }
  void say(const SiteId& site, ToGateway message) {
    link_->send(site_node(site), Channel::dispatch, encode(message));
  }
  void say(const SiteId& site, Channel channel, const Bytes& payload) {
    link_->send(site_node(site), channel, payload);
  }
  const SigningKey& identity_key() const { return keys_.identity; }
  // What has come of this kind, oldest first.
  template <class Message>
  std::vector<Message> heard() const {
    std::vector<Message> all;
    for (const ToBroker& each : heard_) {
      if (const auto* message = std::get_if<Message>(&each.body)) all.push_back(*message);
    }
    return all;
  }

 private:
  static GossipOptions gossip_options(const SmallFederation& federation, const NodeId& node) {
    GossipOptions options;
    options.self = node;
    options.region = RegionId{"eu-zurich"};
    options.registry_keys = {federation.authority().registry_key().public_key()};
    options.period = std::chrono::milliseconds(200);
    return options;
  }
  void on_message(const NodeId& from, Channel channel, const Bytes& payload) {
    if (channel == Channel::gossip) {
      const auto message = decode_gossip(payload);
      ASSERT_TRUE(message);
      take(gossip_.receive(from, *message, system_now()));
      return;
    }
    auto message = decode_to_broker(payload);
    ASSERT_TRUE(message) << describe(message.error());
    heard_.push_back(std::move(*message));
  }
  void take(const GossipOutput& output) {
    for (const Accepted& each : output.accepted) {
      const auto* member = std::get_if<Member>(&each.record.body);
      if (member != nullptr) {
        EXPECT_TRUE(table_->set(member->curve_key, member->node, member->former_curve_key));
      }
    }
    for (const auto& each : output.sends) {
      link_->send(each.to, Channel::gossip, encode(each.message));
    }
  }
  void tick() {
    gossip_.set_peers(link_->reachable(), {});
    take(gossip_.tick(system_now()));
    timer_.expires_after(std::chrono::milliseconds(50));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) tick();
    });
  }

  NodeId node_;
  NodeKeys keys_;
  std::shared_ptr<AuthTable> table_ = std::make_shared<AuthTable>();
  Gossip gossip_;
  std::unique_ptr<Link> link_;
  boost::asio::steady_timer timer_;
  SignedRecord record_;
  std::vector<ToBroker> heard_;
};

}  // namespace tradewind
