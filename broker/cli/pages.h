// Lists of the endpoint, which come in pages: each names the cursor at which the next one begins.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "broker/cli/http_client.h"
#include "schemas/result.h"

namespace tradewind::cli {

// Page after page, from the one at cursor `first`, or the first of all. `fetch` gets one by the end
// of its query, "&cursor=CURSOR" or nothing; `visit` takes it and tells whether the next is wanted.
Status each_page(const std::function<Result<boost::json::value>(const std::string& cursor)>& fetch,
                 const std::function<Result<bool>(boost::json::value& page)>& visit,
                 std::string_view first = {});

// What the pages of a path without a query have in the list `name`, all of it.
Result<boost::json::array> all_items(HttpClient&& client, const std::string& path,
                                     std::string_view name);

}  // namespace tradewind::cli
