#include "broker/cli/events.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/audit/leaf_type.h"
#include "broker/cli/context.h"

namespace tradewind::cli {

namespace json = boost::json;

std::string event_name(const json::value& event) {
  constexpr std::string_view ours = "org.tradewind.";
  const std::string type = text(event, "type");
  return type.starts_with(ours) ? type.substr(ours.size()) : type;
}

Result<json::value> parse_event(std::uint64_t index, BytesView event) {
  boost::system::error_code error;
  json::value value = json::parse({event.data(), event.size()}, error);
  if (error || !value.is_object()) {
    return fail(ErrorCode::corrupt, "entry " + std::to_string(index), "is no JSON object");
  }
  return value;
}

bool is_of_job(const json::value& event) {
  return leaf_type::is_of_job(text(event, "type"));
}

std::string event_line(std::uint64_t index, const json::value& event) {
  return fmt::format("{:>8}  {}  {:<22} {} {} {}\n", index, text(event, "recordedtime"),
                     event_name(event), text(event, "subject"), text(event, "site"),
                     text(event, "reason"));
}

Table events_table() {
  return Table({{"INDEX", true}, {"TIME"}, {"EVENT"}, {"SUBJECT"}, {"SITE"}, {"REASON"}});
}

void add_event(Table& table, std::uint64_t index, const json::value& event) {
  table.add({std::to_string(index), text(event, "recordedtime").substr(0, 23) + "Z",
             event_name(event), text(event, "subject"), text(event, "site"),
             text(event, "reason")});
}

Status each_event(HttpClient& client, const std::string& query, std::uint64_t limit,
                  json::value& checkpoint,
                  const std::function<Status(std::uint64_t, const std::string&)>& visit) {
  std::string cursor;
  for (std::uint64_t found = 0; found < limit;) {
    const auto page = client.get(
        "/v1/audit/entries?limit=" + std::to_string(std::min<std::uint64_t>(limit - found, 1'000)) +
        query + (cursor.empty() ? "" : "&cursor=" + url_escape(cursor)));
    if (!page) return fail(page.error());
    checkpoint = member(*page, "checkpoint");
    for (const json::value& each : items(*page, "entries")) {
      ++found;
      const Status seen =
          visit(static_cast<std::uint64_t>(number(each, "index")), text(each, "event"));
      if (!seen) return seen;
    }
    cursor = text(*page, "next_cursor");
    if (cursor.empty()) return ok();
  }
  return ok();
}

}  // namespace tradewind::cli
