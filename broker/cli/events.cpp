#include "broker/cli/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "broker/audit/leaf_type.h"
#include "broker/cli/context.h"
#include "broker/cli/pages.h"
#include "broker/cli/terminal.h"

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
  return printable(fmt::format("{:>8}  {}  {:<22} {} {} {}", index, text(event, "recordedtime"),
                               event_name(event), text(event, "subject"), text(event, "site"),
                               text(event, "reason"))) +
         '\n';
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
  if (limit == 0) return ok();
  std::uint64_t found = 0;
  return each_page(
      [&](const std::string& cursor) {
        return client.get(fmt::format("/v1/audit/entries?limit={}{}{}",
                                      std::min<std::uint64_t>(limit - found, kPageSize), query,
                                      cursor));
      },
      [&](const json::value& page) -> Result<bool> {
        checkpoint = member(page, "checkpoint");
        for (const json::value& each : items(page, "entries")) {
          ++found;
          const Status seen =
              visit(static_cast<std::uint64_t>(number(each, "index")), text(each, "event"));
          if (!seen) return fail(seen.error());
        }
        return found < limit;
      });
}

namespace {

constexpr int kLostInARowMax = 5;

// What one connection brings, line by line.
class EventLines {
 public:
  explicit EventLines(const std::function<Status(std::uint64_t, const std::string&)>& visit)
      : visit_(visit) {}

  // False when enough has come.
  bool take(std::string_view bytes) {
    came = true;
    buffer_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = buffer_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      line(std::string_view(buffer_).substr(begin, end - begin));
      if (!status || over) return false;
    }
    buffer_.erase(0, begin);
    return true;
  }

  std::string last_id;
  bool came = false;  // anything
  bool over = false;  // the last event came
  std::string reason;
  std::string detail;
  Status status = ok();

 private:
  void line(std::string_view text) {
    if (text.starts_with("id: ")) id_ = text.substr(4);
    if (text.starts_with("event: ")) type_ = text.substr(7);
    if (text.starts_with("data: ")) data_ = text.substr(6);
    if (!text.empty() || data_.empty()) return;
    if (type_ == "end") {
      boost::system::error_code error;
      const json::value word = json::parse(data_, error);
      over = true;
      reason = error ? "" : cli::text(word, "reason");
      detail = error ? "" : cli::text(word, "detail");
    } else {
      std::uint64_t index = 0;
      std::from_chars(id_.data(), id_.data() + id_.size(), index);
      status = visit_(index, data_);
      last_id = id_;
    }
    type_.clear();
    data_.clear();
  }

  const std::function<Status(std::uint64_t, const std::string&)>& visit_;
  std::string buffer_;
  std::string id_;
  std::string type_;
  std::string data_;
};

}  // namespace

Status each_event_to_come(HttpClient& client, const std::string& query,
                          const std::function<Status(std::uint64_t, const std::string&)>& visit) {
  std::string last_id;
  bool ever = false;  // whether a connection brought anything
  for (int lost = 0;;) {
    EventLines lines(visit);
    std::vector<std::string> headers;
    if (!last_id.empty()) headers.push_back("Last-Event-ID: " + last_id);
    const Status ended = client.stream(
        "/v1/events?" + query.substr(1), [&](std::string_view bytes) { return lines.take(bytes); },
        headers);
    if (!lines.status) return lines.status;
    if (lines.over && lines.reason == "ended") return ok();
    if (lines.over && lines.reason == "failed") return fail(ErrorCode::internal, "", lines.detail);
    ever = ever || lines.came;
    if (!ended && (!ever || ended.error().code != ErrorCode::unavailable)) return ended;
    lost = lines.came ? 0 : lost + 1;
    if (lost > kLostInARowMax) {
      return ended ? Status(fail(ErrorCode::unavailable, "", "the broker ends every connection"))
                   : ended;
    }
    if (!lines.last_id.empty()) last_id = lines.last_id;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace tradewind::cli
