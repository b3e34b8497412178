// What a gateway's directory tells of its site, for people and for programs.
#pragma once

#include <map>
#include <string>

#include "gateway/performance/learnt_performance.h"
#include "gateway/site_file.h"
#include "schemas/time.h"

namespace tradewind {

struct SiteStatus {
  SiteFile site;
  FederationId federation;
  Wall::time_point certificate_ends{};
  std::map<LearntClass, std::string> learnt;  // as the store has it
};

// A table of the pools' factors by class of work, each with where it is from; or one JSON object.
std::string status_text(const SiteStatus& status);
std::string status_json(const SiteStatus& status);

}  // namespace tradewind
