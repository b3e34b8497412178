#include "tests/unit/routing/replay.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include "broker/routing/chooser.h"
#include "schemas/codec.h"
#include "tests/unit/routing/random_market.h"

namespace tradewind::replay {
namespace {

// Texts and numbers one after the other, each as its length, a colon and itself.
class Writer {
 public:
  void put(BytesView bytes) {
    out_ += std::to_string(bytes.size()) + ":";
    out_.append(bytes);
  }
  void number(std::int64_t value) { put(std::to_string(value)); }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

class Reader {
 public:
  explicit Reader(BytesView bytes) : rest_(bytes) {}
  bool good() const { return good_; }
  bool more() const { return good_ && !rest_.empty(); }
  BytesView take() {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
    const auto digits = static_cast<std::size_t>(end - rest_.data());
    if (error != std::errc{} || digits >= rest_.size() || *end != ':' ||
        size > rest_.size() - digits - 1) {
      good_ = false;
      return {};
    }
    const BytesView taken = rest_.substr(digits + 1, size);
    rest_.remove_prefix(digits + 1 + size);
    return taken;
  }
  std::int64_t number() {
    const BytesView text = take();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    good_ = good_ && error == std::errc{} && end == text.data() + text.size();
    return value;
  }

 private:
  BytesView rest_;
  bool good_ = true;
};

struct Debit {
  SiteId site;
  PoolId pool;
  std::uint32_t units = 0;
  std::uint32_t nodes = 0;
};

// All that a decision rests on.
struct Case {
  JobSubmitted job;  // its id is the tie key
  std::vector<Bytes> bodies;
  std::vector<Debit> debits;
  std::vector<SiteId> excluded;
  RouteOptions options;
  Wall::time_point now{};
};

void write(Writer& to, const Case& from) {
  to.put(encode(Entry{from.now, from.job}));
  to.number(static_cast<std::int64_t>(from.bodies.size()));
  for (const Bytes& each : from.bodies) to.put(each);
  to.number(static_cast<std::int64_t>(from.debits.size()));
  for (const Debit& each : from.debits) {
    to.put(each.site.value);
    to.put(each.pool.value);
    to.number(each.units);
    to.number(each.nodes);
  }
  to.number(static_cast<std::int64_t>(from.excluded.size()));
  for (const SiteId& each : from.excluded) to.put(each.value);
  to.number(from.options.tolerance_ppm);
  to.number(from.options.spare_units);
  to.number(static_cast<std::int64_t>(from.options.rates.version));
  to.put(from.options.rates.accounting_currency);
  to.number(static_cast<std::int64_t>(from.options.rates.rates_ppm.size()));
  for (const auto& [currency, rate] : from.options.rates.rates_ppm) {
    to.put(currency);
    to.number(rate);
  }
}

bool read(Reader& from, Case& to) {
  const auto entry = decode_entry(from.take());
  if (!entry || !std::holds_alternative<JobSubmitted>(entry->body)) return false;
  to.job = std::get<JobSubmitted>(entry->body);
  to.now = entry->at;
  for (std::int64_t left = from.number(); from.good() && left > 0; --left) {
    to.bodies.emplace_back(from.take());
  }
  for (std::int64_t left = from.number(); from.good() && left > 0; --left) {
    Debit& debit = to.debits.emplace_back();
    debit.site.value = from.take();
    debit.pool.value = from.take();
    debit.units = static_cast<std::uint32_t>(from.number());
    debit.nodes = static_cast<std::uint32_t>(from.number());
  }
  for (std::int64_t left = from.number(); from.good() && left > 0; --left) {
    to.excluded.emplace_back().value = from.take();
  }
  to.options.tolerance_ppm = from.number();
  to.options.spare_units = static_cast<std::uint32_t>(from.number());
  to.options.rates.version = static_cast<std::uint64_t>(from.number());
  to.options.rates.accounting_currency = from.take();
  for (std::int64_t left = from.number(); from.good() && left > 0; --left) {
    const std::string currency(from.take());
    to.options.rates.rates_ppm[currency] = from.number();
  }
  return from.good();
}

// The decisions of the scan and of the chooser over the market that the bodies make.
Result<std::pair<Decision, std::optional<Decision>>> routed(const Case& of) {
  MarketView view;
  for (const Bytes& each : of.bodies) {
    const auto record = decode_record(each);
    if (!record) return fail(record.error());
    view.accept(*record);
  }
  for (const Debit& each : of.debits) view.debit(each.site, each.pool, each.units, each.nodes);
  const RouteRequest request{of.job.spec, of.job.tenant, of.job.job.value, of.excluded};
  std::pair<Decision, std::optional<Decision>> result;
  result.first = route(request, view, of.options, of.now);
  result.second = Chooser(view, of.options).choose(request, of.now);
  for (const Decision* each : {&result.first, result.second ? &*result.second : nullptr}) {
    if (each == nullptr || !each->chosen) continue;
    const SiteView* const site = view.find(each->relied_on.site);
    if (site == nullptr || site->record_header.version != each->relied_on.site_version ||
        site->sheet_header.version != each->relied_on.quote_version) {
      return fail(ErrorCode::corrupt, of.job.job.value, "rests on records that are not there");
    }
  }
  return result;
}

Bytes encoded(const std::optional<Decision>& decision) {
  return decision ? encode(*decision) : Bytes();
}

Case random_case(std::uint64_t seed) {
  sample::Random random(seed);
  const sample::Market market = sample::random_market(random, 12);
  Case made;
  made.job =
      JobSubmitted{job_id(Sequence{seed}), market.tenant, "", "", sample::random_job(random)};
  made.excluded = market.excluded;
  made.options = market.options;
  made.now = sample::now;
  for (const auto& [id, site] : market.view.sites()) {
    SiteRecord record = site.record;
    // A record names no peer twice.
    std::map<std::string, bool> seen;
    std::erase_if(record.network,
                  [&](const NetworkTariff& row) { return !seen.emplace(row.peer, true).second; });
    std::erase_if(record.contracts,
                  [](const Contract& each) { return each.valid_until <= each.valid_from; });
    while (const Contract* const each = overbooked(record)) {
      const ContractId too_much = each->id;
      std::erase_if(record.contracts, [&](const Contract& one) { return one.id == too_much; });
    }
    made.bodies.push_back(encode(Record{site.record_header, record}));
    if (site.sheet) {
      QuoteSheet sheet = *site.sheet;
      std::uint32_t idle = 0;
      for (const ContractQuote& each : sheet.contracts) idle += each.units_idle;
      for (PoolQuote& each : sheet.pools) {
        each.units_free_node = std::min(each.units_free_node, each.units_free + idle);
        each.nodes_free = std::min(each.nodes_free, each.units_free + idle);
      }
      made.bodies.push_back(encode(Record{site.sheet_header, sheet}));
    }
    Member member;
    member.node = site_node(id);
    member.number.value = 1;
    member.state = site.member_state;
    member.identity_key = Bytes(32, 'i');
    member.curve_key = Bytes(32, 'c');
    RecordHeader header = site.record_header;
    header.kind = RecordKind::member;
    header.member = member.number;
    made.bodies.push_back(encode(Record{header, member}));
    for (const Pool& each : record.pools) {
      const Debit debit{id, each.id, market.view.debited_units(id, each.id),
                        market.view.debited_nodes(id, each.id)};
      if (debit.units > 0 || debit.nodes > 0) made.debits.push_back(debit);
    }
  }
  return made;
}

}  // namespace

Result<Bytes> written(std::uint64_t count) {
  Writer to;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const Case made = random_case(seed);
    const auto decisions = routed(made);
    if (!decisions) return fail(decisions.error());
    write(to, made);
    to.put(encode(decisions->first));
    to.put(encoded(decisions->second));
  }
  return to.take();
}

Result<std::size_t> replayed(BytesView bytes) {
  Reader from(bytes);
  std::size_t count = 0;
  for (; from.more(); ++count) {
    Case read_back;
    const bool whole = read(from, read_back);
    const BytesView scanned = from.take();
    const BytesView chosen = from.take();
    if (!whole || !from.good()) {
      return fail(ErrorCode::corrupt, "case " + std::to_string(count + 1), "cannot be read");
    }
    const auto again = routed(read_back);
    if (!again) return fail(again.error());
    if (encode(again->first) != scanned || encoded(again->second) != chosen) {
      return fail(ErrorCode::corrupt, read_back.job.job.value, "was decided otherwise");
    }
  }
  return count;
}

}  // namespace tradewind::replay
