// Sites and offers as JSON.
#pragma once

#include <string_view>

#include "broker/api/json.h"
#include "broker/core/service.h"

namespace tradewind {

// What a row of the offers is filtered by; empty members filter nothing.
struct OfferFilter {
  std::string architecture;
  std::string region;
  std::string accelerator;  // family or model; "none": pools without
  std::string site;
};

// `with_policy`: also whom the site admits and its contracts, which is for operators and auditors.
json::object site_to_json(const SiteView& site, Wall::time_point now, std::string_view currency,
                          bool with_policy);
// One row a pool.
json::array offers_to_json(const MarketSnapshot& market, const OfferFilter& filter);
// The series of a page in steps of this length.
json::object history_to_json(const MarketHistoryPage& page, std::chrono::seconds step);

}  // namespace tradewind
