#include "broker/audit/log_index.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/audit/leaf_type.h"
#include "schemas/ids.h"
#include "state/transparency/big_endian.h"

namespace tradewind {
namespace {

// DO NOT CHANGE: they are on disk.
constexpr char kByJob = 'j';
constexpr char kByTenant = 't';
constexpr char kBySite = 's';
constexpr char kByType = 'y';
constexpr char kByReason = 'r';
constexpr char kTenantOfJob = 'o';
constexpr char kSiteOfAttempt = 'a';

constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kToldKept = 100'000;  // at least, and about twice as many at most
constexpr std::size_t kSubmissionsKept = 131'072;
constexpr std::size_t kTenantsKept = 65'536;
constexpr std::size_t kRowsReadMax = 20'000;  // of one search
constexpr std::uint64_t kBundlesAWrite = 64;  // when rows are made anew

// Names hold no zero byte, so that no name's rows lie among another's.
std::string name_key(char kind, std::string_view name) {
  std::string key(1, kind);
  key += name;
  key += '\0';
  return key;
}

std::string row_key(const std::string& name_key, std::uint64_t bundle) {
  std::string key = name_key;
  append_big_endian(key, bundle);
  return key;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && name.find('\0') == std::string_view::npos;
}

// Of a task its array, else the job itself.
std::string_view submitted_as(std::string_view job) {
  return job.substr(0, job.find('-'));
}

// The leaf that a job's id says its submission is: entry n of the journal is leaf n - 1.
std::optional<std::uint64_t> leaf_of(std::string_view submitted) {
  if (!is_job_id(submitted) || submitted != submitted_as(submitted)) return std::nullopt;
  const Sequence entry = submitted_at(JobId{std::string(submitted)});
  return entry.value == 0 ? std::nullopt : std::optional(entry.value - 1);
}

// What the leaf says, as far as it is the submission of the job.
Result<std::optional<std::string>> tenant_in(const LogStore& store, std::uint64_t leaf,
                                             std::string_view submitted) {
  const auto head = store.head();
  if (!head) return fail(head.error());
  if (leaf >= head->size) return std::optional<std::string>();
  const BundleId id{leaf / tile_width, static_cast<unsigned>(leaf % tile_width) + 1};
  const auto bytes = store.read(id);
  if (!bytes) return fail(bytes.error());
  const auto leaves = decode_bundle(id, *bytes);
  if (!leaves) return fail(leaves.error());
  const auto keys = leaf_keys(leaves->back());
  if (!keys || keys->type != leaf_type::submitted || keys->job != submitted) {
    return std::optional<std::string>();
  }
  return std::optional(keys->tenant);
}

}  // namespace

bool LogFilter::empty() const {
  return job.empty() && tenant.empty() && site.empty() && type.empty() && reason.empty();
}

Result<LogIndex> LogIndex::recover(LogStore& store, std::uint64_t size) {
  LogIndex index(store);
  const auto indexed = store.indexed();
  if (!indexed) return fail(indexed.error());
  if (!*indexed || **indexed > size) {
    if (const Status dropped = store.drop_index(); !dropped) return fail(dropped.error());
  } else {
    index.size_ = **indexed - **indexed % tile_width;
  }
  // The bundle that is not full is always read again: its rows change as it grows.
  for (std::uint64_t bundles = 1; index.size_ < size; ++bundles) {
    const BundleId id{index.size_ / tile_width, static_cast<unsigned>(std::min<std::uint64_t>(
                                                    tile_width, size - index.size_))};
    const auto bytes = store.read(id);
    if (!bytes) return fail(bytes.error());
    const auto leaves = decode_bundle(id, *bytes);
    if (!leaves) return fail(leaves.error());
    for (const BytesView each : *leaves) {
      const auto keys = leaf_keys(each);
      const Status added = index.add(keys ? std::optional(*keys) : std::nullopt);
      if (!added) return fail(added.error());
    }
    if (bundles % kBundlesAWrite != 0 && index.size_ < size) continue;
    LogBatch batch;
    index.take(batch);
    if (const Status written = store.write(batch); !written) return fail(written.error());
  }
  return index;
}

void LogIndex::put(char kind, std::string_view name) {
  if (!is_name(name)) return;
  places_[name_key(kind, name)] += static_cast<char>(size_ % tile_width);
}

LogIndex::LogIndex(const LogStore& store)
    : store_(&store), tenants_{kTenantOfJob}, sites_{kSiteOfAttempt} {}

void LogIndex::tell(Told& told, const std::string& name, const std::string& value) {
  told.newer[name] = value;
  rows_.push_back({name_key(told.kind, name), value});
}

Result<std::string> LogIndex::find(Told& told, const std::string& name) {
  for (const auto* held : {&told.newer, &told.older}) {
    if (const auto found = held->find(name); found != held->end()) return found->second;
  }
  auto stored = store_->index_row(name_key(told.kind, name));
  if (!stored) return fail(stored.error());
  return told.newer.emplace(name, stored->value_or("")).first->second;
}

void LogIndex::Submissions::put(std::uint64_t leaf, const std::string& job,
                                const std::string& tenant) {
  if (names_.size() == kTenantsKept) {
    each_.clear();
    names_.clear();
    places_.clear();
  }
  const auto [place, is_new] =
      places_.try_emplace(tenant, static_cast<std::uint32_t>(names_.size()));
  if (is_new) names_.push_back(tenant);
  const std::size_t at = leaf % kSubmissionsKept;
  if (each_.size() <= at) each_.resize(at + 1);
  each_[at].job = job;
  each_[at].tenant = place->second;
}

const std::string* LogIndex::Submissions::tenant(std::uint64_t leaf, std::string_view job) const {
  const std::size_t at = leaf % kSubmissionsKept;
  return at < each_.size() && each_[at].job == job ? &names_[each_[at].tenant] : nullptr;
}

Result<std::string> LogIndex::tenant_of(const std::string& submitted) {
  const auto leaf = leaf_of(submitted);
  if (const auto* known = leaf ? submissions_.tenant(*leaf, submitted) : nullptr) return *known;
  auto known = find(tenants_, submitted);
  if (!known || !known->empty() || !leaf || *leaf >= size_) return known;
  const auto told = tenant_in(*store_, *leaf, submitted);
  if (!told) return fail(told.error());
  submissions_.put(*leaf, submitted, told->value_or(""));
  return told->value_or("");
}

Status LogIndex::add(const std::optional<LeafKeys>& keys) {
  if (keys) {
    Result<std::string> tenant = keys->tenant;
    const bool is_told_by_id = keys->type == leaf_type::submitted && leaf_of(keys->job) == size_;
    if (is_told_by_id) {
      submissions_.put(size_, keys->job, *tenant);
    } else if (is_name(*tenant) && is_name(keys->job)) {
      tell(tenants_, keys->job, *tenant);
    } else if (is_name(keys->job)) {
      tenant = tenant_of(std::string(submitted_as(keys->job)));
      if (!tenant) return fail(tenant.error());
    }
    Result<std::string> site = keys->site;
    if (is_name(*site) && is_name(keys->attempt)) {
      tell(sites_, keys->attempt, *site);
    } else if (is_name(keys->attempt)) {
      site = find(sites_, keys->attempt);
      if (!site) return fail(site.error());
    }
    if (!is_told_by_id) put(kByJob, keys->job);
    if (const std::string_view array = submitted_as(keys->job); array != keys->job) {
      put(kByJob, array);
    }
    put(kByTenant, *tenant);
    put(kBySite, *site);
    put(kByType, keys->type);
    put(kByReason, keys->reason);
  }
  ++size_;
  if (size_ % tile_width == 0) end_bundle();
  return ok();
}

void LogIndex::end_bundle() {
  const std::uint64_t bundle = (size_ - 1) / tile_width;
  for (auto& [name, places] : places_) {
    rows_.push_back({row_key(name, bundle), std::move(places)});
  }
  places_.clear();
}

void LogIndex::take(LogBatch& batch) {
  std::ranges::move(rows_, std::back_inserter(batch.rows));
  rows_.clear();
  for (const auto& [name, places] : places_) {
    batch.rows.push_back({row_key(name, size_ / tile_width), places});
  }
  batch.indexed = size_;
  for (Told* const told : {&tenants_, &sites_}) {
    if (told->newer.size() < kToldKept) continue;
    std::swap(told->older, told->newer);
    told->newer.clear();
  }
}

Result<std::optional<std::string>> tenant_of_job(const LogStore& store, std::string_view job) {
  const std::string_view submitted = submitted_as(job);
  if (!is_name(submitted)) return std::optional<std::string>();
  auto row = store.index_row(name_key(kTenantOfJob, submitted));
  const auto leaf = leaf_of(submitted);
  if (!row || *row || !leaf) return row;
  return tenant_in(store, *leaf, submitted);
}

Result<std::optional<std::string>> site_of_attempt(const LogStore& store,
                                                   std::string_view attempt) {
  if (!is_name(attempt)) return std::optional<std::string>();
  return store.index_row(name_key(kSiteOfAttempt, attempt));
}

Result<Found> find_leaves(const LogStore& store, const LogFilter& filter, std::uint64_t begin,
                          std::uint64_t end, std::size_t limit) {
  // The rarest first: its rows lead, the others' are looked up.
  std::vector<std::string> keys;
  for (const auto& [kind, name] : {std::pair{kByJob, &filter.job},
                                   {kByReason, &filter.reason},
                                   {kByTenant, &filter.tenant},
                                   {kBySite, &filter.site},
                                   {kByType, &filter.type}}) {
    if (name->empty()) continue;
    if (!is_name(*name)) return Found{{}, end};
    keys.push_back(name_key(kind, *name));
  }
  Found found;
  found.next = end;
  std::size_t rows = 0;
  Status status = ok();
  const auto submission = leaf_of(filter.job);
  const auto take = [&](std::uint64_t bundle, Bytes places) {
    ++rows;
    for (std::size_t at = 1; at < keys.size() && !places.empty(); ++at) {
      ++rows;
      const auto others = store.index_row(row_key(keys[at], bundle));
      if (!others) {
        status = fail(others.error());
        return false;
      }
      std::erase_if(places,
                    [&](char each) { return !*others || (*others)->find(each) == Bytes::npos; });
    }
    for (const char each : places) {
      const std::uint64_t leaf = bundle * tile_width + static_cast<unsigned char>(each);
      if (leaf >= begin && leaf < end) found.leaves.push_back(leaf);
    }
    return true;
  };
  const auto look = [&](std::string_view key, BytesView leading) {
    const auto bundle = read_big_endian<std::uint64_t>(key.substr(keys.front().size()));
    if (bundle * tile_width >= end) return false;
    if (found.leaves.size() >= limit || rows >= kRowsReadMax) {
      found.next = std::max(begin, bundle * tile_width);
      if (submission) found.next = std::max(found.next, *submission + 1);
      return false;
    }
    Bytes places(leading);
    // Older logs have a row for it as well.
    if (submission && *submission / tile_width == bundle) {
      std::erase(places, static_cast<char>(*submission % tile_width));
    }
    return take(bundle, std::move(places));
  };
  // It is before all others about the job.
  if (submission && *submission >= begin && *submission < end &&
      !take(*submission / tile_width, Bytes(1, static_cast<char>(*submission % tile_width)))) {
    return fail(status.error());
  }
  const Status read =
      store.index_rows(keys.front(), row_key(keys.front(), begin / tile_width), look);
  if (!read) return fail(read.error());
  if (!status) return fail(status.error());
  return found;
}

bool wanted(const LogFilter& filter, const LeafKeys& keys, std::string_view tenant,
            std::string_view site) {
  const auto fits = [](const std::string& want, std::string_view have) {
    return want.empty() || want == have;
  };
  return (fits(filter.job, keys.job) || filter.job == submitted_as(keys.job)) &&
         fits(filter.tenant, tenant) && fits(filter.site, site) && fits(filter.type, keys.type) &&
         fits(filter.reason, keys.reason);
}

}  // namespace tradewind
