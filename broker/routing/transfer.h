// What a job's data costs and takes on its way to and from one site. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/routing/network.h"
#include "schemas/job.h"
#include "schemas/money.h"
#include "schemas/site.h"
#include "state/market/market_view.h"

namespace tradewind {

struct Transfer {
  Money data_in{};  // INT64_MAX: does not fit
  Money data_out{};
  std::uint64_t stage_in_seconds = 0;   // the slowest input
  std::uint64_t stage_out_seconds = 0;  // the slowest output
  // Per input the replica that it is taken from: the cheapest, then the fastest, then the first.
  std::vector<std::uint32_t> replicas;
  std::vector<std::uint32_t> held;  // inputs that the site has already, by its record; rising
};

// All that routing asks of an address.
enum class Scheme : std::uint16_t { none, file, web };
Scheme scheme_of(std::string_view url);
// Whether a site can fetch the replica at all: http:, https: and s3: from everywhere; file: where
// the file is, that is at the named site, else at the sites of the named region, else everywhere.
bool reachable(const Replica& replica, const SiteRecord& site);
// Whether the site's record says that it has the input already. Then it costs and takes what data
// within one site does; the replica chosen is what the site falls back on.
bool holds(const SiteRecord& site, const Input& input);
// The first input without inline content of which the site can reach no replica.
std::optional<std::uint32_t> unreachable_input(const JobSpec& spec, const SiteRecord& site);

// The places that a job's inputs and outputs name, resolved once for all sites. Borrows from the
// job and the view.
class JobData {
 public:
  JobData(const JobSpec& spec, const MarketView& view);
  // Nothing when an input has no reachable replica.
  std::optional<Transfer> at(const SiteRecord& site) const;

 private:
  const JobSpec& spec_;
  std::vector<Place> places_;  // distinct
  // Indices into places_, for each replica of each input and for each output.
  std::vector<std::vector<std::uint32_t>> replica_places_;
  std::vector<std::uint32_t> output_places_;
};

}  // namespace tradewind
