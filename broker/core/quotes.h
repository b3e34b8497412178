// Quotes that bind: what was quoted to whom, at what price, until when. In memory only: a restart
// of the broker forgets them, and says so. Reads no clock, does no I/O; the core's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "schemas/decision.h"
#include "schemas/ids.h"
#include "schemas/job.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// A quote lives as long as the quote sheet that it rests on, some seconds: these bounds let a
// tenant ask for about seventy a second.
struct QuoteLimits {
  std::size_t per_tenant = 1'024;
  std::size_t in_all = 8'192;
  std::size_t document_bytes = 64ULL * 1024 * 1024;  // of the job documents quoted, in all
};

struct Quote {
  TenantId tenant;
  std::shared_ptr<const JobSpec> spec;
  QuoteTerms terms;
  std::size_t document_bytes = 0;
  std::optional<JobId> job;  // that was submitted with it
};

class Quotes {
 public:
  explicit Quotes(QuoteLimits limits = {}) : limits_(limits) {}
  // The broker's reign: part of the ids, so that none is given twice.
  void begin(Term term) { term_ = term; }

  // `decision` places the job; `price_ppm` is what the sheet it relies on says. Fails with
  // `exhausted` at a bound, naming it.
  Result<QuoteTerms> add(TenantId tenant, std::shared_ptr<const JobSpec> spec,
                         std::size_t document_bytes, const Decision& decision,
                         std::int64_t price_ppm, Now now);
  // The tenant's quote, valid and unused. Fails with `not_found` when there is none (another
  // tenant's is none), with `conflict` when it has expired or a job was submitted with it.
  Result<const Quote*> find(const TenantId& tenant, std::string_view id, Now now);
  // It serves one job, and is remembered as used until it expires.
  void use(std::string_view id, const JobId& job);
  std::size_t size() const { return quotes_.size(); }

 private:
  void expire(Wall::time_point now);

  const QuoteLimits limits_;
  Term term_;
  std::uint64_t last_number_ = 0;
  std::map<std::string, Quote, std::less<>> quotes_;
  std::set<std::pair<Wall::time_point, std::string>> by_expiry_;
  std::map<TenantId, std::size_t> of_tenant_;
  std::size_t document_bytes_ = 0;
};

}  // namespace tradewind
