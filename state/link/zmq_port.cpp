#include "state/link/zmq_port.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "schemas/assert.h"

namespace tradewind {

ZmqPort::ZmqPort(boost::asio::any_io_executor executor, zmq::socket_t socket,
                 std::unique_ptr<Traffic> traffic)
    : socket_(std::move(socket)),
      descriptor_(std::move(executor), socket_.get(zmq::sockopt::fd)),
      traffic_(std::move(traffic)) {}

ZmqPort::~ZmqPort() {
  if (descriptor_.is_open()) descriptor_.release();
}

void ZmqPort::start() {
  wait();
  wake();
}

void ZmqPort::stop() {
  if (stopped_) return;
  stopped_ = true;
  boost::system::error_code ignored;
  descriptor_.cancel(ignored);
  descriptor_.release();
  socket_.close();
}

void ZmqPort::wake() {
  // One posted pump serves all that is to be sent in this turn.
  if (scheduled_.exchange(true)) return;
  boost::asio::post(descriptor_.get_executor(), [self = shared_from_this()] {
    self->scheduled_ = false;
    self->pump();
  });
}

void ZmqPort::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](boost::system::error_code error) {
                           if (error || self->stopped_) return;
                           self->traffic_->woken();
                           self->pump();
                           if (!self->stopped_) self->wait();
                         });
}

void ZmqPort::pump() {
  // The budget lets other handlers run while one socket is flooded.
  for (int budget = 256; !stopped_; --budget) {
    const int events = socket_.get(zmq::sockopt::events);
    Frames outgoing;
    if ((events & ZMQ_POLLOUT) != 0) outgoing = traffic_->next();
    const bool can_receive = (events & ZMQ_POLLIN) != 0;
    if (!outgoing.empty())
      send(std::move(outgoing));
    else if (!can_receive)
      return;
    if (can_receive) receive();
    if (budget == 0) return wake();
  }
}

void ZmqPort::send(Frames frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    auto flags = zmq::send_flags::dontwait;
    if (i + 1 < frames.size()) flags = flags | zmq::send_flags::sndmore;
    // Only the first frame can be turned away: room is counted in whole messages.
    try {
      if (!socket_.send(frames[i], flags)) {
        TRADEWIND_ASSERT(i == 0);
        return traffic_->done(Outcome::full);
      }
    } catch (const zmq::error_t& error) {
      TRADEWIND_ASSERT(error.num() == EHOSTUNREACH && i == 0);
      return traffic_->done(Outcome::unreachable);
    }
  }
  traffic_->done(Outcome::sent);
}

void ZmqPort::receive() {
  Frames frames;
  bool more = true;
  while (more) {
    zmq::message_t frame;
    if (!socket_.recv(frame, zmq::recv_flags::dontwait)) return;
    more = frame.more();
    if (frames.size() <= frames_kept_max) frames.push_back(std::move(frame));
  }
  traffic_->receive(std::move(frames));
}

}  // namespace tradewind
