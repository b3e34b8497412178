#include "state/link/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <zmq.hpp>

#include "broker/api/open_files.h"
#include "schemas/limits.h"
#include "tests/unit/link/node.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

std::uint64_t dropped(Node& node, LinkDrop reason) {
  const LinkCounters counters = node.link().counters();
  const auto found = counters.dropped.find(reason);
  return found == counters.dropped.end() ? 0 : found->second;
}
std::uint64_t shed(Node& node, LinkShed reason) {
  const LinkCounters counters = node.link().counters();
  const auto found = counters.shed.find(reason);
  return found == counters.shed.end() ? 0 : found->second;
}

// A DEALER that follows no rules but CURVE's.
class Stranger {
 public:
  Stranger(const Node& target, const CurveKeys& keys, const std::string& routing_id = "")
      : socket_(context_, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, 10);
    socket_.set(zmq::sockopt::curve_publickey, zmq::buffer(keys.public_key));
    socket_.set(zmq::sockopt::curve_secretkey, zmq::buffer(keys.secret_key));
    socket_.set(zmq::sockopt::curve_serverkey, zmq::buffer(target.keys().public_key));
    if (!routing_id.empty()) socket_.set(zmq::sockopt::routing_id, routing_id);
    socket_.connect(target.endpoint());
  }
  void send(const std::vector<Bytes>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      (void)socket_.send(zmq::buffer(frames[i]),
                         i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
  }
  // The next whole message; nothing when none comes in time.
  std::optional<std::vector<Bytes>> receive(std::chrono::milliseconds within) {
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(within.count()));
    std::vector<Bytes> frames;
    zmq::message_t frame;
    do {
      if (!socket_.recv(frame)) return std::nullopt;
      frames.push_back(frame.to_string());
    } while (frame.more());
    return frames;
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

namespace asio = boost::asio;
using asio::ip::tcp;

tcp::endpoint tcp_endpoint(const std::string& endpoint) {
  const auto port = std::stoul(endpoint.substr(endpoint.rfind(':') + 1));
  return {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)};
}

// Passes one connection on to a node, and keeps what the client sent.
class Eavesdropper {
 public:
  explicit Eavesdropper(const std::string& target) : target_(tcp_endpoint(target)) {
    acceptor_.async_accept(client_, [this](boost::system::error_code error) {
      if (error) return;
      server_.connect(target_, error);
      if (error) return;
      pass(client_, server_, up_, true);
      pass(server_, client_, down_, false);
    });
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Eavesdropper() {
    asio::post(io_, [this] {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      client_.close(ignored);
      server_.close(ignored);
    });
    thread_.join();
  }
  std::string endpoint() const {
    return "tcp://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  Bytes heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  using Buffer = std::array<char, 16 * 1024>;
  void pass(tcp::socket& from, tcp::socket& to, Buffer& buffer, bool kept) {
    from.async_read_some(asio::buffer(buffer),
                         [&, kept](boost::system::error_code error, std::size_t count) {
                           if (error) return;
                           if (kept) {
                             const std::lock_guard lock(mutex_);
                             heard_.append(buffer.data(), count);
                           }
                           asio::write(to, asio::buffer(buffer, count), error);
                           if (!error) pass(from, to, buffer, kept);
                         });
  }

  asio::io_context io_;
  tcp::endpoint target_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  tcp::socket client_{io_};
  tcp::socket server_{io_};
  Buffer up_{};
  Buffer down_{};
  mutable std::mutex mutex_;
  Bytes heard_;
  std::thread thread_;
};

const Bytes kGossip(1, '\x01');

class Links : public testing::Test {
 protected:
  void admit(const Node& node) { ASSERT_TRUE(members_->set(node.keys().public_key, node.id())); }
  const std::shared_ptr<AuthTable> members_ = std::make_shared<AuthTable>();
};

TEST_F(Links, CarryMessagesBothWaysBetweenTwoThatListen) {
  Node a("site/a", members_), b("site/b", members_);
  admit(a);
  admit(b);
  a.connect_to(b);
  b.connect_to(a);
  EXPECT_TRUE(a.send(b, "from a", Channel::gossip));
  EXPECT_TRUE(b.send(a, Bytes("\0binary\xff", 8), Channel::dispatch));
  ASSERT_TRUE(a.await_arrivals(1));
  ASSERT_TRUE(b.await_arrivals(1));
  EXPECT_EQ(b.arrivals()[0], (Arrival{a.id(), Channel::gossip, "from a"}));
  EXPECT_EQ(a.arrivals()[0], (Arrival{b.id(), Channel::dispatch, Bytes("\0binary\xff", 8)}));
  EXPECT_TRUE(a.send(b, ""));
  ASSERT_TRUE(b.await_arrivals(2));
  EXPECT_EQ(b.arrivals()[1].payload, "");
  EXPECT_TRUE(eventually([&] { return a.reaches(b.id()) && b.reaches(a.id()); }));
  EXPECT_EQ(b.link().counters().messages_received, 2U);
  EXPECT_EQ(b.link().counters().bytes_received, 6U);
  // One is counted a moment after it went.
  EXPECT_TRUE(eventually([&] { return a.link().counters().messages_sent == 2; }));
}

TEST_F(Links, AnswerOneThatOnlyConnects) {
  Node broker("broker/eu", members_), site("site/a", members_, "none");
  admit(broker);
  admit(site);
  EXPECT_TRUE(site.endpoint().empty());
  EXPECT_FALSE(broker.send(site, "too early")) << "it was never heard";
  EXPECT_EQ(shed(broker, LinkShed::no_route), 1U);
  site.connect_to(broker);
  ASSERT_TRUE(eventually([&] { return broker.reaches(site.id()); })) << "its hello is enough";
  EXPECT_TRUE(broker.send(site, "down", Channel::dispatch));
  ASSERT_TRUE(site.await_arrivals(1));
  EXPECT_EQ(site.arrivals()[0], (Arrival{broker.id(), Channel::dispatch, "down"}));
}

TEST_F(Links, LoseNoneOfTenThousandMessagesEachWayAndKeepTheirOrder) {
  Node broker("broker/eu", members_), site("site/a", members_, "none");
  admit(broker);
  admit(site);
  site.connect_to(broker);
  ASSERT_TRUE(eventually([&] { return broker.reaches(site.id()) && site.reaches(broker.id()); }));
  constexpr std::size_t count = 10'000;
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(site.send(broker, std::to_string(i)));
    ASSERT_TRUE(broker.send(site, std::to_string(i)));
  }
  ASSERT_TRUE(site.await_arrivals(count));
  ASSERT_TRUE(broker.await_arrivals(count));
  for (Node* const node : {&site, &broker}) {
    const auto arrivals = node->arrivals();
    ASSERT_EQ(arrivals.size(), count);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(arrivals[i].payload, std::to_string(i));
  }
}

TEST_F(Links, ServeManyThatOnlyConnectAtOnce) {
  Node broker("broker/eu", members_);
  admit(broker);
  std::vector<std::unique_ptr<Node>> sites;
  for (int i = 0; i < 8; ++i) {
    sites.push_back(std::make_unique<Node>("site/s" + std::to_string(i), members_, "none"));
    admit(*sites.back());
    sites.back()->connect_to(broker);
  }
  ASSERT_TRUE(eventually([&] { return broker.link().reachable().size() == sites.size(); }));
  for (int round = 0; round < 200; ++round)
    for (const auto& site : sites) ASSERT_TRUE(broker.send(*site, site->id().value));
  for (const auto& site : sites) {
    ASSERT_TRUE(site->await_arrivals(200));
    for (const Arrival& each : site->arrivals()) ASSERT_EQ(each.payload, site->id().value);
  }
}

TEST_F(Links, RefuseAnUnknownKeyAtTheHandshake) {
  Node a("site/a", members_), b("site/b", members_);
  admit(b);  // a is unknown to both
  a.connect_to(b);
  EXPECT_TRUE(eventually([&] { return b.link().counters().handshakes_refused > 0; }));
  Stranger stranger(b, CurveKeys::generate(), a.id().value);
  stranger.send({kGossip, "hello"});
  EXPECT_EQ(stranger.receive(200ms), std::nullopt);
  EXPECT_TRUE(b.arrivals().empty());
  EXPECT_EQ(b.link().counters().handshakes_admitted, 0U);
  // Once it is a member, it comes in without being told to connect again.
  admit(a);
  ASSERT_TRUE(eventually([&] { return b.reaches(a.id()) && a.reaches(b.id()); }));
  EXPECT_GT(a.link().counters().connections_reopened, 0U);
}

TEST_F(Links, DoNotTalkToAServerWithAnotherKey) {
  Node a("site/a", members_), impostor("site/b", members_);
  admit(a);
  const CurveKeys real = CurveKeys::generate();
  ASSERT_TRUE(members_->set(real.public_key, impostor.id()));
  ASSERT_TRUE(a.link().connect(impostor.id(), impostor.endpoint(), real.public_key));
  EXPECT_TRUE(a.send(impostor, "secret"));
  ASSERT_TRUE(eventually([&] { return a.link().counters().connections_reopened > 0; }));
  EXPECT_TRUE(impostor.arrivals().empty());
  EXPECT_FALSE(a.reaches(impostor.id()));
}

TEST_F(Links, DropAMemberThatPosesAsAnother) {
  Node a("site/a", members_), b("site/b", members_, "none");
  admit(a);
  admit(b);
  const CurveKeys mallory = CurveKeys::generate();
  ASSERT_TRUE(members_->set(mallory.public_key, NodeId{"site/mallory"}));
  // Before the real one is there, and again while it is.
  Stranger early(a, mallory, b.id().value);
  early.send({kGossip, "I am b"});
  ASSERT_TRUE(eventually([&] { return dropped(a, LinkDrop::chosen_route) == 1; }));
  b.connect_to(a);
  ASSERT_TRUE(eventually([&] { return a.reaches(b.id()); }));
  Stranger late(a, mallory, b.id().value);
  late.send({kGossip, "I am b, too"});
  EXPECT_TRUE(a.send(b, "for b only"));
  ASSERT_TRUE(b.await_arrivals(1));
  EXPECT_EQ(early.receive(100ms), std::nullopt);
  EXPECT_EQ(late.receive(100ms), std::nullopt);
  EXPECT_TRUE(a.arrivals().empty());
}

TEST_F(Links, TakeAMembersWordOnlyAsItsOwn) {
  Node a("site/a", members_);
  const CurveKeys mallory = CurveKeys::generate();
  ASSERT_TRUE(members_->set(mallory.public_key, NodeId{"site/mallory"}));
  Stranger stranger(a, mallory);
  stranger.send({kGossip, "honest after all"});
  ASSERT_TRUE(a.await_arrivals(1));
  EXPECT_EQ(a.arrivals()[0].from, NodeId{"site/mallory"});
}

TEST_F(Links, DropWhatARevokedMemberSaysOnALiveConnection) {
  // One that greets but once: a later greeting would be dropped like a message.
  Node a("site/a", members_);
  Node b("site/b", members_, "none", CurveKeys::generate(), [](LinkOptions& options) {
    options.hello_interval = 1h;
    options.reopen_after = 1h;
    options.reopen_after_max = 1h;
  });
  admit(a);
  admit(b);
  b.connect_to(a);
  ASSERT_TRUE(b.send(a, "while a member"));
  ASSERT_TRUE(a.await_arrivals(1));
  ASSERT_TRUE(eventually([&] { return a.reaches(b.id()); }));
  members_->remove(b.id());
  EXPECT_FALSE(a.send(b, "to a revoked one"));
  EXPECT_EQ(shed(a, LinkShed::not_allowed), 1U);
  ASSERT_TRUE(b.send(a, "revoked"));
  ASSERT_TRUE(eventually([&] { return dropped(a, LinkDrop::not_allowed) > 0; }));
  EXPECT_EQ(a.arrivals().size(), 1U);
  EXPECT_FALSE(a.reaches(b.id()));
  admit(b);
  ASSERT_TRUE(b.send(a, "a member again"));
  ASSERT_TRUE(a.await_arrivals(2));
  EXPECT_EQ(a.arrivals()[1].payload, "a member again");
}

TEST_F(Links, DropWhatARevokedServerSays) {
  const auto own = std::make_shared<AuthTable>();
  Node a("site/a", own, "none"), b("site/b", members_);
  admit(a);
  admit(b);
  ASSERT_TRUE(own->set(b.keys().public_key, b.id()));
  a.connect_to(b);
  ASSERT_TRUE(eventually([&] { return b.reaches(a.id()) && a.reaches(b.id()); }));
  own->remove(b.id());
  ASSERT_TRUE(b.send(a, "revoked at a"));
  ASSERT_TRUE(eventually([&] { return dropped(a, LinkDrop::not_allowed) > 0; }));
  EXPECT_TRUE(a.arrivals().empty());
  EXPECT_FALSE(a.reaches(b.id()));
}

TEST_F(Links, NoLongerTakeAKeyThatWasReplaced) {
  Node a("site/a", members_);
  const CurveKeys former = CurveKeys::generate();
  ASSERT_TRUE(members_->set(former.public_key, NodeId{"site/b"}));
  Stranger stolen(a, former);
  stolen.send({kGossip, "before"});
  ASSERT_TRUE(a.await_arrivals(1));
  ASSERT_TRUE(members_->set(CurveKeys::generate().public_key, NodeId{"site/b"}));
  stolen.send({kGossip, "after"});
  ASSERT_TRUE(eventually([&] { return dropped(a, LinkDrop::not_allowed) > 0; }));
  EXPECT_EQ(a.arrivals().size(), 1U);
}

TEST_F(Links, CutWhoSendsAnOversizedFrameAndServeTheOthers) {
  Node a("site/a", members_), b("site/b", members_, "none");
  admit(a);
  admit(b);
  b.connect_to(a);
  const CurveKeys mallory = CurveKeys::generate();
  ASSERT_TRUE(members_->set(mallory.public_key, NodeId{"site/mallory"}));
  Stranger stranger(a, mallory);
  stranger.send({kGossip, Bytes(limits::frame_bytes_max, 'x')});
  ASSERT_TRUE(a.await_arrivals(1)) << "exactly the limit passes";
  stranger.send({kGossip, Bytes(limits::frame_bytes_max + 1, 'x')});
  ASSERT_TRUE(eventually([&] { return dropped(a, LinkDrop::oversized) == 1; }));
  const auto admitted = a.link().counters().handshakes_admitted;
  stranger.send({kGossip, Bytes(2 * limits::frame_bytes_max, 'x')});
  EXPECT_TRUE(eventually([&] { return a.link().counters().handshakes_admitted > admitted; }))
      << "it was cut off and came again";
  ASSERT_TRUE(b.send(a, "unaffected"));
  ASSERT_TRUE(a.await_arrivals(2));
  EXPECT_EQ(a.arrivals()[1].from, b.id());
  EXPECT_EQ(a.arrivals().size(), 2U);
  EXPECT_FALSE(b.send(a, Bytes(limits::frame_bytes_max + 1, 'x')));
  EXPECT_EQ(shed(b, LinkShed::oversized), 1U);
}

TEST_F(Links, WhatWasOverheardIsOfNoUseOnAnotherConnection) {
  Node a("site/a", members_), b("site/b", members_, "none");
  admit(a);
  admit(b);
  Bytes heard;
  {
    Eavesdropper between(a.endpoint());
    ASSERT_TRUE(b.link().connect(a.id(), between.endpoint(), a.keys().public_key));
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(b.send(a, "pay " + std::to_string(i)));
    ASSERT_TRUE(a.await_arrivals(5));
    heard = between.heard();
  }
  ASSERT_GT(heard.size(), 500U);
  EXPECT_EQ(heard.find("pay"), Bytes::npos);
  const auto admitted = a.link().counters().handshakes_admitted;
  asio::io_context io;
  for (int copy = 0; copy < 3; ++copy) {
    tcp::socket replay(io);
    replay.connect(tcp_endpoint(a.endpoint()));
    boost::system::error_code error;
    asio::write(replay, asio::buffer(heard), error);
    std::array<char, 4'096> answer{};
    while (!error) replay.read_some(asio::buffer(answer), error);  // until it is closed
    EXPECT_TRUE(error == asio::error::eof || error == asio::error::connection_reset) << error;
  }
  EXPECT_EQ(a.link().counters().handshakes_admitted, admitted);
  EXPECT_EQ(a.arrivals().size(), 5U);
}

TEST_F(Links, ServeTheirMembersUnderAFloodOfConnectionsThatSayNothingAndCutThose) {
  Node a("site/a", members_), b("site/b", members_, "none");
  admit(a);
  admit(b);
  b.connect_to(a);
  ASSERT_TRUE(eventually([&] { return a.reaches(b.id()) && b.reaches(a.id()); }));
  raise_open_files(8'192);  // both ends of a thousand connections are here
  asio::io_context io;
  std::vector<tcp::socket> flood;
  const Bytes greeting("\xff\0\0\0\0\0\0\0\x01\x7f", 10);  // the beginning of one
  for (int i = 0; i < 1'000; ++i) {
    flood.emplace_back(io).connect(tcp_endpoint(a.endpoint()));
    if (i % 2 == 0) asio::write(flood.back(), asio::buffer(greeting));
  }
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(b.send(a, std::to_string(i)));
  ASSERT_TRUE(a.await_arrivals(100));
  // One that connects only now gets in.
  Node late("site/late", members_, "none");
  admit(late);
  late.connect_to(a);
  ASSERT_TRUE(late.send(a, "late"));
  ASSERT_TRUE(a.await_arrivals(101));
  // Each is closed when its time for a handshake is over.
  for (tcp::socket& each : flood) {
    boost::system::error_code error;
    std::array<char, 256> bytes{};
    while (!error) each.read_some(asio::buffer(bytes), error);
    EXPECT_TRUE(error == asio::error::eof || error == asio::error::connection_reset) << error;
  }
  EXPECT_EQ(a.arrivals().size(), 101U);
}

TEST_F(Links, DropMessagesOfAnyOtherForm) {
  Node a("site/a", members_);
  const CurveKeys mallory = CurveKeys::generate();
  ASSERT_TRUE(members_->set(mallory.public_key, NodeId{"site/mallory"}));
  Stranger stranger(a, mallory);
  const std::vector<std::vector<Bytes>> malformed = {
      {""},
      {"x"},
      {kGossip},
      {"", "x"},
      {"\x01\x01", "x"},
      {Bytes(1, '\0'), "x"},
      {"\x03", "x"},
      {"\x81", "a welcome is a server's to say"},
      {kGossip, "x", "y"},
      std::vector<Bytes>(100, kGossip),
  };
  for (const auto& each : malformed) stranger.send(each);
  stranger.send({kGossip, "good"});
  ASSERT_TRUE(a.await_arrivals(1));
  EXPECT_EQ(a.arrivals()[0].payload, "good");
  EXPECT_EQ(dropped(a, LinkDrop::malformed), malformed.size());
}

TEST_F(Links, ShedForAPeerThatIsNotThere) {
  const auto bounded = [](LinkOptions& options) {
    options.queue_messages_max = 10;
    options.message_age_max = 200ms;
  };
  Node a("site/a", members_, "none", CurveKeys::generate(), bounded);
  const NodeId away{"site/away"};
  const CurveKeys keys = CurveKeys::generate();
  ASSERT_TRUE(members_->set(keys.public_key, away));
  EXPECT_FALSE(a.link().send(away, Channel::gossip, "no way there"));
  EXPECT_EQ(shed(a, LinkShed::no_route), 1U);
  ASSERT_TRUE(a.link().connect(away, "tcp://127.0.0.1:1", keys.public_key));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(a.link().send(away, Channel::gossip, "waits"));
  EXPECT_FALSE(a.link().send(away, Channel::gossip, "one too many"));
  EXPECT_EQ(shed(a, LinkShed::queue_full), 1U);
  EXPECT_FALSE(a.reaches(away));
  EXPECT_TRUE(eventually([&] { return shed(a, LinkShed::too_old) == 10; }));
  EXPECT_TRUE(a.link().send(away, Channel::gossip, "there is room again"));
  a.link().disconnect(away);
  EXPECT_FALSE(a.link().send(away, Channel::gossip, "given up"));
  EXPECT_EQ(a.link().counters().messages_sent, 0U);
}

TEST_F(Links, ShedForAPeerThatStopsReadingAndServeTheOthers) {
  const auto bounded = [](LinkOptions& options) { options.queue_messages_max = 200; };
  Node a("site/a", members_, "tcp://127.0.0.1:0", CurveKeys::generate(), bounded);
  Node b("site/b", members_, "none");
  admit(a);
  admit(b);
  b.connect_to(a);
  const CurveKeys stuck_keys = CurveKeys::generate();
  const NodeId stuck{"site/stuck"};
  ASSERT_TRUE(members_->set(stuck_keys.public_key, stuck));
  Stranger reads_nothing(a, stuck_keys);
  reads_nothing.send({kGossip, "here I am"});
  ASSERT_TRUE(eventually([&] { return a.reaches(stuck) && a.reaches(b.id()); }));
  // More than the pipes and the sockets' buffers hold between them.
  const Bytes large(128 * 1024, 'x');
  ASSERT_TRUE(eventually([&] {
    for (int i = 0; i < 50; ++i)
      if (!a.link().send(stuck, Channel::gossip, large)) return true;
    return false;
  }));
  EXPECT_GE(shed(a, LinkShed::queue_full), 1U);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(a.send(b, std::to_string(i)));
  EXPECT_TRUE(b.await_arrivals(100));
}

TEST_F(Links, GoOnWithAPeerThatRestartsWithTheSameKeys) {
  Node a("site/a", members_);
  admit(a);
  const CurveKeys keys = CurveKeys::generate();
  std::string endpoint;
  for (int life = 0; life < 3; ++life) {
    Node b("site/b", members_, life == 0 ? "tcp://127.0.0.1:0" : endpoint, keys);
    endpoint = b.endpoint();
    admit(b);
    a.connect_to(b);
    b.connect_to(a);
    const std::string text = "life " + std::to_string(life);
    ASSERT_TRUE(b.send(a, text));
    ASSERT_TRUE(a.await_arrivals(static_cast<std::size_t>(life) + 1));
    EXPECT_EQ(a.arrivals().back(), (Arrival{b.id(), Channel::gossip, text}));
    // Towards it, something may be lost while it is away, so whoever needs an answer asks again;
    // what waited meanwhile may still come first.
    ASSERT_TRUE(eventually([&] {
      const auto arrivals = b.arrivals();
      return a.send(b, text) && !arrivals.empty() && arrivals.back().payload == text;
    }));
  }
}

TEST_F(Links, GoOnWithARestartedPeerThatOnlyConnects) {
  Node a("site/a", members_);
  admit(a);
  const CurveKeys keys = CurveKeys::generate();
  for (int life = 0; life < 3; ++life) {
    Node b("site/b", members_, "none", keys);
    admit(b);
    b.connect_to(a);
    ASSERT_TRUE(eventually([&] { return a.send(b, "again") && !b.arrivals().empty(); })) << life;
  }
}

TEST_F(Links, FollowAPeerToANewEndpointAndKeepOneConnection) {
  Node a("site/a", members_, "none"), former("site/b", members_);
  admit(a);
  admit(former);
  a.connect_to(former);
  a.connect_to(former);
  ASSERT_TRUE(a.send(former, "old place"));
  ASSERT_TRUE(former.await_arrivals(1));
  EXPECT_EQ(former.link().counters().handshakes_admitted, 1U);
  Node moved("site/b", members_, "tcp://127.0.0.1:0", former.keys());
  a.connect_to(moved);
  ASSERT_TRUE(a.send(moved, "new place"));
  ASSERT_TRUE(moved.await_arrivals(1));
  EXPECT_EQ(former.arrivals().size(), 1U);
}

TEST_F(Links, RefuseBadOptionsAndPeers) {
  Node a("site/a", members_, "tcp://127.0.0.1:0", CurveKeys::generate(),
         [](LinkOptions& options) { options.peers_max = 1; });
  const Bytes key = CurveKeys::generate().public_key;
  EXPECT_EQ(a.link().connect(NodeId{"site/b"}, "ipc:///tmp/x", key).error().field, "endpoint");
  EXPECT_EQ(a.link().connect(NodeId{"site/b"}, "tcp://127.0.0.1:1", "short").error().field,
            "curve_key");
  EXPECT_EQ(a.link().connect(a.id(), "tcp://127.0.0.1:1", key).error().field, "node");
  EXPECT_TRUE(a.link().connect(NodeId{"site/b"}, "tcp://127.0.0.1:1", key));
  EXPECT_EQ(a.link().connect(NodeId{"site/c"}, "tcp://127.0.0.1:1", key).error().code,
            ErrorCode::exhausted);
  EXPECT_TRUE(a.link().connect(NodeId{"site/b"}, "tcp://127.0.0.1:2", key));
  boost::asio::io_context executor;
  LinkOptions options{NodeId{"site/d"}, CurveKeys::generate(), a.endpoint()};
  const auto open = [&] {
    return Link::open(executor.get_executor(), options, members_, [](NodeId, Channel, Bytes) {});
  };
  EXPECT_EQ(open().error().code, ErrorCode::unavailable) << "the port is taken";
  options.bind = "nowhere";
  EXPECT_EQ(open().error().field, "bind");
  options.bind = "";
  options.keys.secret_key = "short";
  EXPECT_EQ(open().error().field, "keys");
  options.self = NodeId{"d"};
  EXPECT_EQ(open().error().field, "self");
}

TEST_F(Links, EndCleanlyEvenWhenTheirExecutorNeverRan) {
  boost::asio::io_context executor;
  const CurveKeys keys = CurveKeys::generate();
  auto link =
      Link::open(executor.get_executor(), LinkOptions{NodeId{"site/a"}, keys, "tcp://127.0.0.1:0"},
                 members_, [](NodeId, Channel, Bytes) {});
  ASSERT_TRUE(link);
  ASSERT_TRUE((*link)->connect(NodeId{"site/b"}, "tcp://127.0.0.1:1", keys.public_key));
  link->reset();
}

TEST_F(Links, MayBeStoppedFromTheirOwnCallbackAndCallItNoMore) {
  boost::asio::io_context executor;
  Node sender("site/s", members_, "none");
  admit(sender);
  const CurveKeys keys = CurveKeys::generate();
  const NodeId id{"site/a"};
  ASSERT_TRUE(members_->set(keys.public_key, id));
  std::unique_ptr<Link> link;
  int calls = 0;
  auto opened = Link::open(executor.get_executor(), LinkOptions{id, keys, "tcp://127.0.0.1:0"},
                           members_, [&](NodeId, Channel, Bytes) {
                             ++calls;
                             link->stop();
                           });
  ASSERT_TRUE(opened);
  link = std::move(*opened);
  ASSERT_TRUE(sender.link().connect(id, link->bound_endpoint(), keys.public_key));
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(sender.link().send(id, Channel::gossip, std::to_string(i)));
  executor.run_for(20s);
  EXPECT_TRUE(executor.stopped()) << "it ran dry";
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(link->send(sender.id(), Channel::gossip, "stopped"));
  EXPECT_EQ(link->connect(sender.id(), "tcp://127.0.0.1:1", keys.public_key).error().code,
            ErrorCode::unavailable);
}

}  // namespace
}  // namespace tradewind
