// What happened, as the transparency log tells it: `tradewind audit query` and `jobs --events`.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "broker/cli/http_client.h"
#include "broker/cli/table.h"
#include "schemas/ids.h"
#include "schemas/result.h"

namespace tradewind::cli {

// "org.tradewind.job.decided" -> "job.decided".
std::string event_name(const boost::json::value& event);
// Fails with ErrorCode::corrupt.
Result<boost::json::value> parse_event(std::uint64_t index, BytesView event);

// Whether it tells of a job or an attempt.
bool is_of_job(const boost::json::value& event);
// One line for people.
std::string event_line(std::uint64_t index, const boost::json::value& event);

Table events_table();
// A row for people.
void add_event(Table& table, std::uint64_t index, const boost::json::value& event);

// All events that match the query ("&job=..."), at most `limit`, in order; `checkpoint` becomes the
// one that they are complete up to.
Status each_event(HttpClient& client, const std::string& query, std::uint64_t limit,
                  boost::json::value& checkpoint,
                  const std::function<Status(std::uint64_t, const std::string&)>& visit);

// The same as they are published, from GET /v1/events with the query: until the job that it names
// has ended, else without end. Goes on by itself where a connection ended.
Status each_event_to_come(HttpClient& client, const std::string& query,
                          const std::function<Status(std::uint64_t, const std::string&)>& visit);

}  // namespace tradewind::cli
