#include "broker/audit/published_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "state/identity/encoding.h"
#include "state/transparency/receipt.h"

namespace tradewind {
namespace {

constexpr std::size_t kPageBytesMax = 8ULL * 1024 * 1024;
constexpr std::size_t kLeavesReadMax = 50'000;  // of one query

tl::unexpected<Error> not_covered(std::string what, const ShownCheckpoint& at) {
  return fail(ErrorCode::not_found, "log",
              fmt::format("{} is not in the log's {} entries", what, at.checkpoint.head.size),
              "ask for what the checkpoint covers; it grows as entries are published");
}

// The bundle that holds the entry, as wide as `size` leaves have it.
BundleId bundle_with(std::uint64_t size, std::uint64_t index) {
  const std::uint64_t bundle = index / tile_width;
  return BundleId{bundle, static_cast<unsigned>(
                              std::min<std::uint64_t>(tile_width, size - bundle * tile_width))};
}

// Reads leaves that lie close together without decoding their bundle for each.
class LeafReader {
 public:
  LeafReader(const LogStore& store, std::uint64_t size) : store_(store), size_(size) {}
  Result<BytesView> leaf(std::uint64_t index) {
    const BundleId id = bundle_with(size_, index);
    if (!held_ || *held_ != id) {
      held_.reset();
      auto bytes = store_.read(id);
      if (!bytes) return fail(bytes.error());
      bytes_ = std::move(*bytes);
      auto leaves = decode_bundle(id, bytes_);
      if (!leaves) return fail(leaves.error());
      leaves_ = std::move(*leaves);
      held_ = id;
    }
    return leaves_[index % tile_width];
  }

 private:
  const LogStore& store_;
  const std::uint64_t size_;
  std::optional<BundleId> held_;
  Bytes bytes_;
  std::vector<BytesView> leaves_;
};

}  // namespace

PublishedLog::PublishedLog(const Journal& journal, const LogStore& store, const LeafWriter& leaves,
                           VerifierKey key)
    : journal_(journal), store_(store), leaves_(leaves), key_(std::move(key)) {}

void PublishedLog::show(ShownCheckpoint checkpoint) {
  auto next = std::make_shared<const ShownCheckpoint>(std::move(checkpoint));
  {
    const std::lock_guard lock(mutex_);
    ++state_.publications;
    shown_ = std::move(next);
  }
  const std::lock_guard telling(told_mutex_);
  if (told_) told_();
}

void PublishedLog::on_shown(std::function<void()> what) {
  const std::lock_guard lock(told_mutex_);
  told_ = std::move(what);
}

void PublishedLog::count(std::uint64_t written) {
  const std::lock_guard lock(mutex_);
  state_.written = written;
}

void PublishedLog::count_gathered(std::size_t cosignatures, bool quorum,
                                  std::vector<std::string> missing) {
  const std::lock_guard lock(mutex_);
  state_.cosignatures += cosignatures;
  state_.quorum = quorum;
  state_.missing = std::move(missing);
}

void PublishedLog::fail_with(Error error) {
  const std::lock_guard lock(mutex_);
  state_.error = std::move(error);
}

std::shared_ptr<const ShownCheckpoint> PublishedLog::shown() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

PublisherState PublishedLog::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Result<Bytes> PublishedLog::tile(const ShownCheckpoint& at, const TileId& id) const {
  const std::uint64_t hashes = hashes_at(at.checkpoint.head.size, id.level);
  if (id.index > hashes / tile_width || id.index * tile_width + id.width > hashes) {
    return not_covered("the tile", at);
  }
  return store_.read(id);
}

Result<Bytes> PublishedLog::bundle(const ShownCheckpoint& at, const BundleId& id) const {
  const std::uint64_t size = at.checkpoint.head.size;
  if (id.index > size / tile_width || id.index * tile_width + id.width > size) {
    return not_covered("the bundle", at);
  }
  return store_.read(id);
}

Result<Bytes> PublishedLog::entry(const ShownCheckpoint& at, std::uint64_t index) const {
  if (index >= at.checkpoint.head.size) return not_covered(fmt::format("entry {}", index), at);
  LeafReader leaves(store_, at.checkpoint.head.size);
  const auto leaf = leaves.leaf(index);
  if (!leaf) return fail(leaf.error());
  return Bytes(*leaf);
}

Result<Bytes> PublishedLog::receipt(const ShownCheckpoint& at, std::uint64_t index) const {
  const auto leaf = entry(at, index);
  if (!leaf) return leaf;
  TileHashes tree(at.checkpoint.head.size, store_.tile_reader());
  const auto made =
      make_receipt(index, Hasher().leaf(*leaf), at.checkpoint.head.root, at.note, tree);
  if (!made) return fail(made.error());
  return format_receipt(*made);
}

Result<Bytes> PublishedLog::data(std::string_view sha256_hex) const {
  const auto digest = hex_decode("sha256", sha256_hex);
  if (!digest) return fail(digest.error());
  if (digest->size() != sha256_bytes) {
    return fail(ErrorCode::invalid, "sha256", fmt::format("it has {} bytes", digest->size()),
                "give the 64 hexadecimal digits that the entry names");
  }
  auto bytes = store_.data(*digest);
  if (bytes && sha256(*bytes) != *digest) {
    return fail(ErrorCode::corrupt, "data", "what is stored has another SHA-256",
                "restore the journal's directory as a whole from a backup");
  }
  return bytes;
}

Result<Bytes> PublishedLog::opening(const ShownCheckpoint& at, std::uint64_t index) const {
  if (index >= at.checkpoint.head.size) return not_covered(fmt::format("entry {}", index), at);
  std::optional<Bytes> opened;
  const Status read = journal_.read(Sequence{index + 1}, [&](Sequence sequence, const Entry& each) {
    opened = leaves_.opening(sequence, each);
    return false;
  });
  if (!read) return fail(read.error());
  if (!opened) {
    return fail(ErrorCode::not_found, "index",
                fmt::format("entry {} commits to nothing that is kept apart", index),
                "the entry itself says all there is");
  }
  return std::move(*opened);
}

Result<Wall::time_point> PublishedLog::recorded(const ShownCheckpoint& at,
                                                std::uint64_t index) const {
  const auto leaf = entry(at, index);
  if (!leaf) return fail(leaf.error());
  const auto keys = leaf_keys(*leaf);
  if (!keys) return fail(keys.error());
  return keys->recorded;
}

Result<LogRange> PublishedLog::range(const ShownCheckpoint& at,
                                     std::optional<Wall::time_point> after,
                                     std::optional<Wall::time_point> before) const {
  // The first entry not recorded before `time`: times never decrease.
  const auto first_from = [&](Wall::time_point time) -> Result<std::uint64_t> {
    std::uint64_t low = 0;
    std::uint64_t high = at.checkpoint.head.size;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      const auto recorded_at = recorded(at, middle);
      if (!recorded_at) return fail(recorded_at.error());
      if (*recorded_at < time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  LogRange range{0, at.checkpoint.head.size};
  if (after) {
    const auto first = first_from(*after);
    if (!first) return fail(first.error());
    range.first = *first;
  }
  if (before) {
    const auto end = first_from(*before);
    if (!end) return fail(end.error());
    range.end = std::max(range.first, *end);
  }
  return range;
}

Result<std::string> PublishedLog::tenant_of(const LeafKeys& keys) const {
  if (!keys.tenant.empty() || keys.job.empty()) return keys.tenant;
  auto tenant = tenant_of_job(store_, keys.job);
  if (!tenant) return fail(tenant.error());
  return std::move(*tenant).value_or("");
}

Result<std::string> PublishedLog::site_of(const LeafKeys& keys) const {
  if (!keys.site.empty() || keys.attempt.empty()) return keys.site;
  auto site = site_of_attempt(store_, keys.attempt);
  if (!site) return fail(site.error());
  return std::move(*site).value_or("");
}

Result<LogPage> PublishedLog::query(const LogFilter& filter, LogRange range,
                                    std::size_t limit) const {
  LogPage page;
  LeafReader leaves(store_, range.end);
  std::size_t bytes = 0;
  std::size_t looked_at = 0;
  // False when the page is full before this one.
  const auto take = [&](std::uint64_t index) -> Result<bool> {
    if (page.rows.size() == limit || bytes >= kPageBytesMax || looked_at == kLeavesReadMax) {
      page.next = index;
      return false;
    }
    ++looked_at;
    const auto leaf = leaves.leaf(index);
    if (!leaf) return fail(leaf.error());
    auto keys = leaf_keys(*leaf);
    if (!filter.empty()) {
      if (!keys) return true;
      const auto tenant = filter.tenant.empty() ? Result<std::string>("") : tenant_of(*keys);
      if (!tenant) return fail(tenant.error());
      const auto site = filter.site.empty() ? Result<std::string>("") : site_of(*keys);
      if (!site) return fail(site.error());
      if (!wanted(filter, *keys, *tenant, *site)) return true;
    }
    bytes += leaf->size();
    page.rows.push_back({index, Bytes(*leaf), keys ? std::move(*keys) : LeafKeys{}});
    return true;
  };

  std::uint64_t at = range.first;
  while (at < range.end) {
    Found found;
    if (filter.empty()) {
      found.leaves = {at};
      found.next = at + 1;
    } else {
      auto some = find_leaves(store_, filter, at, range.end, limit + 1 - page.rows.size());
      if (!some) return fail(some.error());
      found = std::move(*some);
    }
    for (const std::uint64_t each : found.leaves) {
      const auto taken = take(each);
      if (!taken) return fail(taken.error());
      if (!*taken) return page;
    }
    at = found.next;
    if (!filter.empty() && found.leaves.empty() && at < range.end) {
      // The search stopped by itself: the caller goes on, so that no answer takes for ever.
      page.next = at;
      return page;
    }
  }
  return page;
}

std::string PublishedLog::metrics(Wall::time_point now) const {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view type, std::string_view help,
                           auto value) {
    text += fmt::format(
        "# HELP tradewind_log_{0} {2}\n# TYPE tradewind_log_{0} {1}\n"
        "tradewind_log_{0} {3}\n",
        name, type, help, value);
  };
  const std::lock_guard lock(mutex_);
  const auto age = shown_ ? std::chrono::duration_cast<std::chrono::seconds>(now - shown_->shown)
                          : std::chrono::seconds(0);
  add("entries", "gauge", "Entries written to the transparency log.", state_.written);
  add("published_entries", "gauge", "Entries that the newest shown checkpoint covers.",
      shown_ ? shown_->checkpoint.head.size : 0);
  add("publications_total", "counter", "Checkpoints shown.", state_.publications);
  add("checkpoint_age_seconds", "gauge", "Since the newest checkpoint was shown.",
      std::max<std::int64_t>(0, age.count()));
  add("cosignatures_total", "counter", "Cosignatures got from witnesses.", state_.cosignatures);
  add("quorum", "gauge", "Whether enough witnesses cosigned the newest checkpoint.",
      state_.quorum ? 1 : 0);
  add("publishing", "gauge", "Whether publishing goes on; 0 after an error.", state_.error ? 0 : 1);
  return text;
}

}  // namespace tradewind
