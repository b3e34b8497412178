// The few things that are asked of a TES 1.1 server.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/engines/http_client.h"
#include "gateway/engines/tes_records.h"
#include "schemas/result.h"

namespace tradewind {

struct TesAccess {
  std::string url;         // the base path, "https://host/ga4gh/tes/v1"
  std::string token_file;  // readable by its owner alone; read for each call. Empty: no credentials
  std::string user;        // the token is this user's password (Basic); empty: a Bearer token
  std::string ca_file;     // whom https is believed by; empty: the system's
};

// Any thread; all calls block, for up to 45 s. Where the server cannot be reached or does not let
// us in, they fail with ErrorCode::unavailable or, when it may have heard, maybe_delivered.
class TesClient {
 public:
  explicit TesClient(TesAccess access);
  // Calls on their way end soon.
  void stop() { http_.stop(); }

  // The backend parameters that it knows.
  Result<std::set<std::string>> parameters();
  // The id of the new task. ErrorCode::refused: this document will never be taken; unavailable: it
  // surely made no task this time; maybe_delivered: nobody knows.
  Result<std::string> create(const std::string& document);
  // The states of the newest tasks whose name begins so, read until all that are `wanted` have
  // shown, or about twice as many tasks, and a hundred at least. A server may add tasks that were
  // not asked for, and need not list the newest first: what is wanted may be missing though it is
  // there.
  Result<std::map<std::string, TesState>> states(const std::string& name_prefix,
                                                 std::set<std::string> wanted);
  // The id of the task with this name and tag; empty when the server has none.
  Result<std::string> find(const std::string& name, const std::string& tag,
                           const std::string& value);
  // With all its logs, or with its tags only. ErrorCode::not_found when the server has none.
  Result<TesTask> task(const std::string& id, bool logs);
  // Also fine for a task that is over or not there.
  Status cancel(const std::string& id);

 private:
  Result<HttpAnswer> call(const char* method, const std::string& path,
                          const std::string& body = {});
  // Gives each page of a list to `take`, until it returns true.
  Status pages(const std::string& query, const std::function<bool(const TesPage&)>& take);

  const TesAccess access_;
  HttpClient http_;
};

}  // namespace tradewind
