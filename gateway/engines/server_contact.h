// Whether the server that an engine gives its attempts to answers, and when it is asked again while
// it does not. Pure.
#pragma once

#include <optional>
#include <string>

#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

class ServerContact {
 public:
  // `field` of the site file says where it is, and `name` what it is called: for the message until
  // it has answered once.
  ServerContact(std::string field, const std::string& name, Mono::duration interval);

  // Why it cannot be asked for anything now, with ErrorCode::unavailable; nothing: it answers.
  const std::optional<Error>& down() const { return down_; }

  // It has answered. Returns whether it was down before.
  bool answered();
  // It has not. Returns how long to wait before it is asked again: the interval, then twice as long
  // each time, up to 10 s.
  Mono::duration failed(Error why);

 private:
  const Mono::duration interval_;
  Mono::duration pause_;
  std::optional<Error> down_;
};

}  // namespace tradewind
