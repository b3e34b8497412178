// slurmrestd over HTTP: one call at a time on each of a few kept connections.
#pragma once

#include <boost/json.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/engines/http_client.h"
#include "gateway/engines/slurm_token.h"
#include "gateway/engines/slurm_words.h"
#include "schemas/result.h"

namespace tradewind {

struct SlurmAnswer {
  bool unchanged = false;    // 304
  boost::json::object body;  // empty when unchanged
  std::int64_t number = 0;   // of the first error in it; 0: there is none
  std::string text;          // what is said of that error
};

// A body that slurmrestd sent; nothing when it is no JSON object.
std::optional<SlurmAnswer> read_slurm_answer(std::string_view text);

// Any thread; all calls block.
class SlurmRest {
 public:
  // `url` is "http://host:port" or with https; `user` is whom the token speaks for.
  SlurmRest(std::string url, std::string user, SlurmToken& token);

  // Calls on their way end soon, and those that come fail: all as maybe_delivered.
  void stop() { http_.stop(); }

  // Asks which versions of the interface are served and keeps the newest one that this program
  // knows. To be called before the others, and again after they fail. ErrorCode::unavailable,
  // unauthenticated, or invalid when none is known.
  Status negotiate();
  // The last part of "v0.0.38"; 0: none yet.
  int version() const;

  // `path` follows the version: "jobs", "job/7". Any answer with a JSON object is an answer,
  // whatever its status: what it means depends on the call. Otherwise fails with
  // - unauthenticated: the token was not taken, and is read anew for the next call
  // - unavailable: it never left here
  // - maybe_delivered: it may have been heard
  // - invalid: slurmrestd could not read it
  Result<SlurmAnswer> call(const char* method, const std::string& path,
                           const std::string& body = {});
  // Whether slurmrestd asks a slurmdbd: as of the last negotiation.
  bool keeps_accounting() const;
  // The same of slurmdbd's part of the interface.
  Result<SlurmAnswer> call_accounting(const char* method, const std::string& path);

 private:
  Result<SlurmAnswer> call_part(const char* part, const char* method, const std::string& path,
                                const std::string& body);
  Result<SlurmAnswer> perform(const char* method, const std::string& path, const std::string& body);

  const std::string url_;
  const std::string user_;
  SlurmToken& token_;
  mutable std::mutex mutex_;
  int version_ = 0;
  bool keeps_accounting_ = false;
  HttpClient http_;
};

}  // namespace tradewind
