// How a site joins a federation: one request to a broker, with an invitation's token. Nothing that
// the broker answers is believed before it fits the trust record that the token names.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "gateway/membership.h"
#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

struct JoinOptions {
  std::string url;    // of the broker's endpoint: "https://broker.example.org"
  std::string token;  // "<secret>.<fingerprint>"
  SiteId site;
  std::filesystem::path directory;
  std::chrono::seconds timeout{30};
};

// Makes the keys unless the directory has them, asks, checks the answer and stores it. May be
// called again after any failure: the keys stay the same, and a broker gives the same keys the same
// answer. Blocks. Fails with `conflict` when the directory belongs to another site.
Result<Membership> join(const JoinOptions& options, Now now);

}  // namespace tradewind
