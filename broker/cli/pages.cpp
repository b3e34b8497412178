#include "broker/cli/pages.h"

#include <fmt/format.h>

#include "broker/cli/context.h"

namespace tradewind::cli {

Status each_page(const std::function<Result<boost::json::value>(const std::string& cursor)>& fetch,
                 const std::function<Result<bool>(boost::json::value& page)>& visit,
                 std::string_view first) {
  std::string cursor(first);
  do {
    auto page = fetch(cursor.empty() ? std::string() : "&cursor=" + url_escape(cursor));
    if (!page) return fail(std::move(page.error()));
    cursor = text(*page, "next_cursor");
    const auto go_on = visit(*page);
    if (!go_on) return fail(go_on.error());
    if (!*go_on) return ok();
  } while (!cursor.empty());
  return ok();
}

Result<boost::json::array> all_items(HttpClient&& client, const std::string& path,
                                     std::string_view name) {
  boost::json::array all;
  const Status read = each_page(
      [&](const std::string& cursor) {
        return client.get(fmt::format("{}?limit={}{}", path, kPageSize, cursor));
      },
      [&](const boost::json::value& page) -> Result<bool> {
        for (const auto& each : items(page, name)) all.push_back(each);
        return true;
      });
  if (!read) return fail(read.error());
  return all;
}

}  // namespace tradewind::cli
