#include "broker/core/quotes.h"

#include <fmt/format.h>

#include <charconv>

#include "schemas/assert.h"

namespace tradewind {
namespace {

// "q<term>-<number>-<milliseconds since 1970 at which it expires>", so that an expired one can be
// told from one that never was although it is forgotten.
std::string id_of(Term term, std::uint64_t number, Wall::time_point expires) {
  return fmt::format("q{}-{}-{}", term.value, number, to_ms(expires));
}

std::optional<Wall::time_point> expiry_of(std::string_view id) {
  if (!id.starts_with('q')) return std::nullopt;
  id.remove_prefix(1);
  std::uint64_t parts[3] = {};
  const char* at = id.data();
  const char* const end = id.data() + id.size();
  for (std::uint64_t& each : parts) {
    if (&each != parts) {
      if (at == end || *at != '-') return std::nullopt;
      ++at;
    }
    const auto [next, error] = std::from_chars(at, end, each);
    if (error != std::errc{}) return std::nullopt;
    at = next;
  }
  constexpr std::uint64_t kMillisecondsMax = 253'402'300'799'999;  // the end of year 9999
  if (at != end || parts[2] > kMillisecondsMax) return std::nullopt;
  return wall_from_ms(static_cast<std::int64_t>(parts[2]));
}

}  // namespace

Result<QuoteTerms> Quotes::add(TenantId tenant, std::shared_ptr<const JobSpec> spec,
                               std::size_t document_bytes, const Decision& decision,
                               std::int64_t price_ppm, Now now) {
  TRADEWIND_ASSERT(decision.chosen.has_value());
  expire(now.wall);
  const auto full = [](std::string message) {
    return fail(ErrorCode::exhausted, "quote", std::move(message),
                "submit what was quoted, or ask again in some seconds, when quotes have expired");
  };
  const auto found = of_tenant_.find(tenant);
  if (found != of_tenant_.end() && found->second >= limits_.per_tenant) {
    return full(fmt::format("the tenant has {} quotes that have not expired", found->second));
  }
  if (quotes_.size() >= limits_.in_all) {
    return full(fmt::format("the broker holds {} quotes, the most that it does", quotes_.size()));
  }
  if (document_bytes_ + document_bytes > limits_.document_bytes) {
    return full(
        fmt::format("the job documents quoted have {} bytes together, the most that the "
                    "broker holds",
                    limits_.document_bytes));
  }

  Quote quote;
  // Whole milliseconds, as in the id.
  const Wall::time_point expires = wall_from_ms(to_ms(decision.relied_on.quote_valid_until));
  quote.terms.id = id_of(term_, ++last_number_, expires);
  quote.terms.total = decision.chosen->cost.total;
  quote.terms.pool = decision.chosen->pool;
  quote.terms.price_ppm = price_ppm;
  quote.terms.relied_on = decision.relied_on;
  quote.tenant = std::move(tenant);
  quote.spec = std::move(spec);
  quote.document_bytes = document_bytes;
  document_bytes_ += document_bytes;
  ++of_tenant_[quote.tenant];
  by_expiry_.emplace(expires, quote.terms.id);
  QuoteTerms terms = quote.terms;
  quotes_.emplace(terms.id, std::move(quote));
  return terms;
}

Result<const Quote*> Quotes::find(const TenantId& tenant, std::string_view id, Now now) {
  expire(now.wall);
  const std::string shown(id.substr(0, 64));
  const auto found = quotes_.find(id);
  if (found == quotes_.end() || found->second.tenant != tenant) {
    const auto expires = expiry_of(id);
    if (expires && *expires <= now.wall) {
      return fail(ErrorCode::conflict, "quote",
                  "the quote " + shown + " expired at " + to_rfc3339(*expires),
                  "ask for a new quote");
    }
    return fail(ErrorCode::not_found, "quote", "there is no quote \"" + shown + '"',
                "ask for a new quote: the broker forgets them when it restarts");
  }
  if (found->second.job) {
    return fail(ErrorCode::conflict, "quote",
                "the quote " + shown + " was used for the job " + found->second.job->value,
                "ask for a new quote for another job");
  }
  return &found->second;
}

void Quotes::use(std::string_view id, const JobId& job) {
  const auto found = quotes_.find(id);
  TRADEWIND_ASSERT(found != quotes_.end() && !found->second.job);
  found->second.job = job;
}

void Quotes::expire(Wall::time_point now) {
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    const auto quote = quotes_.find(by_expiry_.begin()->second);
    TRADEWIND_ASSERT(quote != quotes_.end());
    document_bytes_ -= quote->second.document_bytes;
    const auto count = of_tenant_.find(quote->second.tenant);
    if (--count->second == 0) of_tenant_.erase(count);
    quotes_.erase(quote);
    by_expiry_.erase(by_expiry_.begin());
  }
}

}  // namespace tradewind
