// One ZeroMQ socket inside one Boost.Asio executor. Only this room's sources include it.
//
// ZMQ_FD is not the network socket: it says only that ZMQ_EVENTS may have changed, and any call on
// the socket can consume that signal for the other direction. So ZMQ_EVENTS is read again after
// every operation until neither direction can move, the socket is looked at once at the start, and
// the descriptor is released, never closed.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <vector>
#include <zmq.hpp>

namespace tradewind {

class ZmqPort : public std::enable_shared_from_this<ZmqPort> {
 public:
  using Frames = std::vector<zmq::message_t>;

  enum class Outcome {
    sent,
    full,         // the peer's pipe has no room; nothing was sent
    unreachable,  // a ROUTER knows no such peer; nothing was sent
  };

  // What goes out and where arrivals go. Called on the port's executor only, and not after stop().
  class Traffic {
   public:
    virtual ~Traffic() = default;
    // The message to send next; no frames when there is none. Its outcome is told before the next
    // one is asked for. After `full` it must hold back until woken, or the port would spin.
    virtual Frames next() = 0;
    virtual void done(Outcome outcome) = 0;
    // At most frames_kept_max + 1 frames; what a longer message had beyond is thrown away.
    virtual void receive(Frames frames) = 0;
    // The socket signalled a change: peers whose pipes were full may have room again.
    virtual void woken() = 0;
  };
  static constexpr std::size_t frames_kept_max = 8;

  // The executor runs one handler at a time (a strand, or a single thread).
  ZmqPort(boost::asio::any_io_executor executor, zmq::socket_t socket,
          std::unique_ptr<Traffic> traffic);
  ~ZmqPort();
  ZmqPort(const ZmqPort&) = delete;
  ZmqPort& operator=(const ZmqPort&) = delete;

  void start();  // on the executor, or before it runs
  void stop();   // on the executor, or when it runs nothing; closes the socket
  void wake();   // any thread: there may be something to send

 private:
  void wait();
  void pump();
  void send(Frames frames);
  void receive();

  zmq::socket_t socket_;
  boost::asio::posix::stream_descriptor descriptor_;
  std::unique_ptr<Traffic> traffic_;
  std::atomic<bool> scheduled_ = false;
  bool stopped_ = false;
};

}  // namespace tradewind
