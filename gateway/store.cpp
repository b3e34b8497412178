#include "gateway/store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "schemas/codec.h"
#include "state/disk/manifest_check.h"
#include "state/disk/store_options.h"
#include "state/identity/random.h"

namespace tradewind {

namespace {

constexpr std::string_view admission_prefix = "a/";
constexpr std::string_view member_prefix = "m/";
constexpr std::string_view witnessed_prefix = "w/";
constexpr std::string_view learnt_prefix = "p/";
constexpr std::string_view epoch_key = "c/epoch";
constexpr std::string_view version_key = "c/version";

// Versions are taken from the disk in blocks, so that a quote sheet a second does not cost a sync
// each. A crash skips the rest of a block; only their order matters.
constexpr std::uint64_t version_block = 256;

rocksdb::Slice slice(std::string_view text) {
  return rocksdb::Slice(text.data(), text.size());
}

std::string key_of(std::string_view prefix, std::string_view key) {
  std::string whole(prefix);
  whole += key;
  return whole;
}

tl::unexpected<Error> failure(std::string_view doing, const rocksdb::Status& status) {
  if (status.IsCorruption()) {
    return fail(ErrorCode::corrupt, "store", fmt::format("{} failed: {}", doing, status.ToString()),
                "restore the gateway's directory from its newest backup");
  }
  return fail(ErrorCode::unavailable, "store",
              fmt::format("{} failed: {}", doing, status.ToString()),
              "check the disk, and that no other gateway uses this directory");
}

rocksdb::WriteOptions synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

rocksdb::Options options_of_store() {
  rocksdb::Options options = store_options();
  options.write_buffer_size = 8 << 20;  // the working set is small
  options.max_open_files = 64;
  options.max_background_jobs = 2;
  return options;
}

// Every key under the prefix, without it, in order.
template <class Take>
Status scan(rocksdb::DB& database, std::string_view prefix, const Take& take) {
  const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(rocksdb::ReadOptions()));
  for (at->Seek(slice(prefix)); at->Valid() && at->key().starts_with(slice(prefix)); at->Next()) {
    std::string_view key(at->key().data(), at->key().size());
    key.remove_prefix(prefix.size());
    if (const Status taken = take(key, BytesView(at->value().data(), at->value().size())); !taken) {
      return taken;
    }
  }
  if (!at->status().ok()) return failure("reading the store", at->status());
  return ok();
}

// Whether this is the store as it was left or an old copy of it cannot be seen from inside: what
// follows its epoch may have been given out before, and two records of one version are a proof that
// the site tells two stories. A clock that has moved on gives an epoch that none had before; one
// that is behind does not, and the jump must be one that no other start from the copy makes.
std::uint64_t epoch_after(std::optional<std::uint64_t> before, Wall::time_point now) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  const auto by_clock = static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 0));
  if (!before || by_clock > *before) return by_clock;
  std::uint64_t jump = 0;
  for (const char each : random_bytes(4)) jump = jump << 8 | static_cast<unsigned char>(each);
  return *before + 1 + jump;
}

}  // namespace

Store::Store(std::unique_ptr<rocksdb::DB> database) : database_(std::move(database)) {}

Store::~Store() = default;

Result<std::unique_ptr<const Store>> Store::look(const std::filesystem::path& directory) {
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::OpenForReadOnly(options_of_store(), directory.string(), &raw);
  if (!opened.ok()) return failure(fmt::format("reading {}", directory.string()), opened);
  return std::unique_ptr<const Store>(new Store(std::unique_ptr<rocksdb::DB>(raw)));
}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory, Now now) {
  if (const Status whole = check_manifest(directory); !whole) {
    return fail(whole.error().code, "store", whole.error().field + " " + whole.error().message,
                "restore the gateway's directory from its newest backup");
  }
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options_of_store(), directory.string(), &raw);
  if (!opened.ok()) return failure(fmt::format("opening {}", directory.string()), opened);
  std::unique_ptr<Store> store(new Store(std::unique_ptr<rocksdb::DB>(raw)));

  const auto epoch = store->read_number(epoch_key);
  if (!epoch) return fail(epoch.error());
  store->epoch_ = epoch_after(*epoch, now.wall);
  if (const Status kept = store->write_number(epoch_key, store->epoch_); !kept) {
    return fail(kept.error());
  }
  const auto version = store->read_number(version_key);
  if (!version) return fail(version.error());
  store->next_ = version->value_or(1);
  store->reserved_ = store->next_;
  return store;
}

Status Store::write_admission(const std::vector<StoreWrite>& writes) {
  if (writes.empty()) return ok();
  rocksdb::WriteBatch batch;
  for (const StoreWrite& each : writes) {
    const std::string key = key_of(admission_prefix, each.key);
    const rocksdb::Status added =
        each.value ? batch.Put(key, slice(*each.value)) : batch.Delete(key);
    if (!added.ok()) return failure("writing an attempt", added);
  }
  const rocksdb::Status written = database_->Write(synced(), &batch);
  if (!written.ok()) return failure("writing attempts", written);
  return ok();
}

Result<std::vector<StoreWrite>> Store::read_admission() const {
  std::vector<StoreWrite> all;
  const Status read =
      scan(*database_, admission_prefix, [&](std::string_view key, BytesView value) {
        all.push_back(StoreWrite{std::string(key), Bytes(value)});
        return ok();
      });
  if (!read) return fail(read.error());
  return all;
}

Status Store::keep_member(const NodeId& node, const SignedRecord& record) {
  const rocksdb::Status written =
      database_->Put(synced(), key_of(member_prefix, node.value), encode(record));
  if (!written.ok()) return failure("writing a member", written);
  return ok();
}

Result<std::vector<SignedRecord>> Store::members() const {
  std::vector<SignedRecord> all;
  const Status read = scan(*database_, member_prefix, [&](std::string_view key, BytesView value) {
    auto record = decode_signed_record(value);
    if (!record) {
      return Status(fail(
          ErrorCode::corrupt, "store",
          fmt::format("the record of member {} cannot be read: {}", key, record.error().message),
          "join again with a new token"));
    }
    all.push_back(std::move(*record));
    return ok();
  });
  if (!read) return fail(read.error());
  return all;
}

Status Store::keep_witnessed(const WitnessedCheckpoint& checkpoint) {
  const rocksdb::Status written =
      database_->Put(synced(), key_of(witnessed_prefix, checkpoint.origin), slice(checkpoint.note));
  if (!written.ok()) return failure("writing a checkpoint", written);
  return ok();
}

Result<std::vector<WitnessedCheckpoint>> Store::witnessed() const {
  std::vector<WitnessedCheckpoint> all;
  const Status read =
      scan(*database_, witnessed_prefix, [&](std::string_view origin, BytesView note) {
        all.push_back(WitnessedCheckpoint{std::string(origin), Bytes(note)});
        return ok();
      });
  if (!read) return fail(read.error());
  return all;
}

Status Store::keep_learnt(const std::map<LearntClass, std::string>& learnt) {
  if (learnt.empty()) return ok();
  rocksdb::WriteBatch batch;
  for (const auto& [each, text] : learnt) {
    const rocksdb::Status added =
        batch.Put(key_of(learnt_prefix, each.first.value + "/" + each.second), text);
    if (!added.ok()) return failure("writing what was learnt", added);
  }
  const rocksdb::Status written = database_->Write(synced(), &batch);
  if (!written.ok()) return failure("writing what was learnt", written);
  return ok();
}

Result<std::map<LearntClass, std::string>> Store::learnt() const {
  std::map<LearntClass, std::string> all;
  const Status read = scan(*database_, learnt_prefix, [&](std::string_view key, BytesView text) {
    const std::size_t end = std::min(key.find('/'), key.size());
    const PoolId pool{std::string(key.substr(0, end))};
    all[{pool, std::string(key.substr(std::min(end + 1, key.size())))}] = std::string(text);
    return ok();
  });
  if (!read) return fail(read.error());
  return all;
}

Result<RecordVersion> Store::next_version() {
  if (next_ == reserved_) {
    if (const Status kept = write_number(version_key, reserved_ + version_block); !kept) {
      return fail(kept.error());
    }
    reserved_ += version_block;
  }
  return RecordVersion{epoch_, next_++};
}

Status Store::write_number(std::string_view key, std::uint64_t number) {
  const rocksdb::Status written = database_->Put(synced(), slice(key), std::to_string(number));
  if (!written.ok()) return failure("writing a counter", written);
  return ok();
}

Result<std::optional<std::uint64_t>> Store::read_number(std::string_view key) const {
  std::string text;
  const rocksdb::Status read = database_->Get(rocksdb::ReadOptions(), slice(key), &text);
  if (read.IsNotFound()) return std::optional<std::uint64_t>();
  if (!read.ok()) return failure("reading a counter", read);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0) {
    return fail(ErrorCode::corrupt, "store", fmt::format("{} is no number", key),
                "restore the gateway's directory from its newest backup");
  }
  return std::optional(number);
}

}  // namespace tradewind
