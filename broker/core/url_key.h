// When two URLs name the same data. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tradewind {

// A text that is the same for all the ways in which a file:, http: or https: URL may be spelled:
// the host in small letters, without user, default port and final dot; percent escapes decoded; a
// path without empty, "." and ".." parts; no fragment. http and https count as one. It may also be
// the same for URLs that a server tells apart: it serves to bind data, where that is the safe side.
std::string url_key(std::string_view url);

// The same without the query.
std::string_view without_query(std::string_view url_key);

}  // namespace tradewind
