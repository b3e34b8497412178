// Jobs that routing cannot tell apart but by their tie keys. Pure.
#pragma once

#include <cstdint>

#include "broker/routing/route.h"

namespace tradewind {

// Jobs of one kind differ in the times that they run only: they are tried at the same pools. Jobs
// of one class are adequate for the same pools at the same cost and finish, and of the same
// objective and priority.
bool same_kind(const RouteRequest& a, const RouteRequest& b);
bool same_class(const RouteRequest& a, const RouteRequest& b);
// Equal for jobs of the same kind or class; for finding only, other builds may give other numbers.
std::uint64_t kind_hash(const RouteRequest& request);
std::uint64_t class_hash(const RouteRequest& request);

}  // namespace tradewind
