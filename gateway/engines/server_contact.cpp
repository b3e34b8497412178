#include "gateway/engines/server_contact.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace tradewind {
namespace {

constexpr auto pause_max = std::chrono::seconds(10);

}  // namespace

ServerContact::ServerContact(std::string field, const std::string& name, Mono::duration interval)
    : interval_(interval),
      pause_(interval),
      down_(Error{ErrorCode::unavailable, std::move(field),
                  fmt::format("{} has not answered yet", name), "wait"}) {}

bool ServerContact::answered() {
  pause_ = interval_;
  return std::exchange(down_, std::nullopt).has_value();
}

Mono::duration ServerContact::failed(Error why) {
  down_ = std::move(why);
  down_->code = ErrorCode::unavailable;
  return std::exchange(pause_, std::min<Mono::duration>(pause_ * 2, pause_max));
}

}  // namespace tradewind
