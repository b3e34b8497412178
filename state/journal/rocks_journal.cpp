#include "state/journal/rocks_journal.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "schemas/assert.h"
#include "schemas/codec.h"
#include "state/disk/store_options.h"
#include "state/journal/keys.h"
#include "state/journal/limits.h"

namespace tradewind {
namespace {

constexpr std::string_view kFormat = "1";
constexpr std::array<const char*, 11> kTableNames = {
    "default", "entries",   "jobs",        "live",     "tenants",  "idempotency",
    "values",  "log_tiles", "log_bundles", "log_data", "log_index"};
rocksdb::DBOptions journal_options() {
  rocksdb::DBOptions options = store_options();
  options.create_missing_column_families = true;
  options.db_write_buffer_size = limits::journal_memory_bytes;
  options.max_total_wal_size = limits::journal_replay_bytes_max;
  return options;
}

rocksdb::ColumnFamilyOptions table_options() {
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = rocksdb::NewLRUCache(limits::journal_cache_bytes);
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::ColumnFamilyOptions options;
  options.paranoid_file_checks = true;
  options.compression = rocksdb::kLZ4Compression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  return options;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& directory, bool sync) {
  return RocksJournal::open(directory, sync);
}

Result<std::unique_ptr<Journal>> RocksJournal::open(const std::filesystem::path& directory,
                                                    bool sync) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return fail(ErrorCode::unavailable, directory.string(),
                "cannot make the directory: " + error.message(), "check the path and its owner");
  }
  auto lock = DirectoryLock::take(directory);
  if (!lock) return fail(lock.error());
  std::unique_ptr<RocksJournal> journal(new RocksJournal(sync, std::move(*lock)));
  if (const Status opened = journal->open_store(directory); !opened) return fail(opened.error());
  if (const Status known = journal->check_format(directory); !known) return fail(known.error());
  if (const Status whole = journal->check_entries(directory); !whole) return fail(whole.error());
  auto log =
      RocksLogStore::open(directory, sync, *journal->db_,
                          {journal->table(Table::log_tiles), journal->table(Table::log_bundles),
                           journal->table(Table::log_data), journal->table(Table::log_index),
                           journal->table(Table::values)},
                          *journal->watch_, journal->values_mutex_);
  if (!log) return fail(log.error());
  journal->log_ = std::move(*log);
  return std::unique_ptr<Journal>(std::move(journal));
}

RocksJournal::RocksJournal(bool sync, std::unique_ptr<DirectoryLock> lock)
    : sync_(sync), lock_(std::move(lock)), watch_(std::make_shared<StoreWatch>()) {}

RocksJournal::~RocksJournal() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
  }
}

rocksdb::ColumnFamilyHandle* RocksJournal::table(Table table) const {
  return handles_[static_cast<std::size_t>(table)];
}

Status RocksJournal::open_store(const std::filesystem::path& directory) {
  rocksdb::DBOptions options = journal_options();
  options.listeners.push_back(watch_);
  const rocksdb::ColumnFamilyOptions columns = table_options();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const char* name : kTableNames) descriptors.emplace_back(name, columns);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(options, (directory / "store").string(), descriptors, &handles, &opened);
  db_.reset(opened);
  if (!status.ok()) {
    // Whatever the store says of its own files at opening, going on is not an option.
    Error error = store_error("open the store", status);
    error.field = directory.string();
    return fail(std::move(error));
  }
  TRADEWIND_ASSERT(handles.size() == tables_count);
  std::ranges::copy(handles, handles_.begin());
  return ok();
}

Status RocksJournal::check_format(const std::filesystem::path& directory) {
  std::string format;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions{}, table(Table::meta), "format", &format);
  if (status.IsNotFound()) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    const rocksdb::Status written = db_->Put(durable, table(Table::meta), "format", slice(kFormat));
    if (!written.ok()) return fail(store_error("write the format", written));
    return ok();
  }
  if (!status.ok()) return fail(store_error("read the format", status));
  if (format != kFormat) {
    return fail(ErrorCode::conflict, directory.string(),
                fmt::format("the journal has format {}, this program knows {}", format, kFormat),
                "use the program version that wrote it, or a newer one");
  }
  return ok();
}

Status RocksJournal::check_entries(const std::filesystem::path& directory) {
  std::string stored;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions{}, table(Table::meta), "last", &stored);
  if (!status.ok() && !status.IsNotFound()) return fail(store_error("read the end", status));
  Sequence last;
  if (status.ok()) {
    const auto parsed = parse_sequence_key(stored);
    if (!parsed)
      return fail(damaged(directory.string(), "the number of the last entry is damaged"));
    last = *parsed;
  }

  rocksdb::ReadOptions scan;
  scan.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(scan, table(Table::entries)));
  Sequence expected{1};
  std::string newest;
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    if (view(at->key()) != sequence_key(expected)) {
      return fail(damaged(directory.string(),
                          fmt::format("entry {} is missing, others follow", expected.value)));
    }
    if (expected == last) newest = at->value().ToString();
    ++expected.value;
  }
  if (!at->status().ok()) return fail(store_error("read the entries", at->status()));
  if (expected.value - 1 != last.value) {
    return fail(damaged(directory.string(), fmt::format("holds {} entries, but {} were written",
                                                        expected.value - 1, last.value)));
  }

  auto acknowledged = LastNumber::open(directory, "last-sequence", last.value == 0);
  if (!acknowledged) return fail(acknowledged.error());
  last_sequence_ = std::move(*acknowledged);
  if (last.value < last_sequence_->found()) {
    return fail(damaged(directory.string(),
                        fmt::format("ends at entry {}, but entry {} was acknowledged: the newest "
                                    "entries are lost",
                                    last.value, last_sequence_->found())));
  }
  if (last.value != 0) {
    const Result<Entry> entry = decode_entry(newest);
    if (!entry) {
      return fail(damaged(directory.string(), fmt::format("entry {} does not read: {}", last.value,
                                                          describe(entry.error()))));
    }
    last_at_ = entry->at;
  }
  last_ = last.value;
  return ok();
}

Status RocksJournal::commit(const JournalBatch& batch) {
  if (const auto error = watch_->error()) return fail(*error);
  if (batch.empty()) return ok();

  rocksdb::WriteBatch write;
  Sequence sequence{last_};
  Wall::time_point at = last_at_;
  for (const Entry& entry : batch.entries) {
    TRADEWIND_ASSERT(entry.at >= at);
    at = entry.at;
    ++sequence.value;
    write.Put(table(Table::entries), sequence_key(sequence), encode(entry));
    const auto* submitted = std::get_if<JobSubmitted>(&entry.body);
    if (submitted != nullptr && !submitted->idempotency_key.empty()) {
      write.Put(table(Table::idempotency),
                tenant_key(submitted->tenant, submitted->idempotency_key), submitted->job.value);
    }
  }
  for (const JobRecord& job : batch.jobs) {
    write.Put(table(Table::jobs), job.job.value, encode(job));
    write.Put(table(Table::tenants), tenant_key(job.tenant, job.job.value), rocksdb::Slice());
    if (is_final(job.state)) {
      write.Delete(table(Table::live), job.job.value);
    } else {
      write.Put(table(Table::live), job.job.value, rocksdb::Slice());
    }
  }
  // Not between the reading and the writing of who swaps the log's checkpoint. Most commits change
  // no value and do not wait for that.
  std::unique_lock values_lock(values_mutex_, std::defer_lock);
  if (!batch.values.empty()) values_lock.lock();
  for (const JournalValue& value : batch.values) {
    TRADEWIND_ASSERT(!value.key.starts_with("log/"));
    if (value.value) {
      write.Put(table(Table::values), value.key, *value.value);
    } else {
      write.Delete(table(Table::values), value.key);
    }
  }
  write.Put(table(Table::meta), "last", sequence_key(sequence));

  rocksdb::WriteOptions durable;
  durable.sync = sync_;
  const rocksdb::Status status = db_->Write(durable, &write);
  if (!status.ok()) {
    Error error = store_error("commit", status);
    watch_->fail_with(error);
    return fail(std::move(error));
  }
  if (const Status noted = last_sequence_->write(sequence.value); !noted) {
    watch_->fail_with(noted.error());
    return noted;
  }
  last_at_ = at;
  last_ = sequence.value;
  return ok();
}

Sequence RocksJournal::last() const {
  return Sequence{last_};
}

Status RocksJournal::read(Sequence first,
                          const std::function<bool(Sequence, const Entry&)>& each) const {
  const StoreSnapshot snapshot(*db_);
  const auto at = snapshot.iterate(table(Table::entries));
  Sequence expected{std::max<std::uint64_t>(1, first.value)};
  for (at->Seek(sequence_key(expected)); at->Valid(); at->Next()) {
    if (view(at->key()) != sequence_key(expected)) {
      return fail(damaged("journal", fmt::format("entry {} is missing", expected.value)));
    }
    const Result<Entry> entry = decode_entry(view(at->value()));
    if (!entry) {
      return fail(damaged("journal", fmt::format("entry {} does not read: {}", expected.value,
                                                 describe(entry.error()))));
    }
    if (!each(expected, *entry)) return ok();
    ++expected.value;
  }
  if (!at->status().ok()) return fail(store_error("read the entries", at->status()));
  return ok();
}

Status RocksJournal::values(
    std::string_view prefix,
    const std::function<void(std::string_view key, BytesView value)>& each) const {
  const StoreSnapshot snapshot(*db_);
  const auto at = snapshot.iterate(table(Table::values));
  for (at->Seek(slice(prefix)); at->Valid() && view(at->key()).starts_with(prefix); at->Next()) {
    each(view(at->key()), view(at->value()));
  }
  if (!at->status().ok()) return fail(store_error("read the values", at->status()));
  return ok();
}

Result<JobRecord> RocksJournal::load(const rocksdb::ReadOptions& options,
                                     std::string_view id) const {
  rocksdb::PinnableSlice bytes;
  const rocksdb::Status status = db_->Get(options, table(Table::jobs), slice(id), &bytes);
  if (status.IsNotFound()) {
    return fail(ErrorCode::not_found, "job", fmt::format("there is no job {}", id));
  }
  if (!status.ok()) return fail(store_error("read a job", status));
  Result<JobRecord> record = decode_job_record(view(bytes));
  if (!record) {
    return fail(damaged("journal", fmt::format("the record of job {} does not read: {}", id,
                                               describe(record.error()))));
  }
  return record;
}

Result<JobRecord> RocksJournal::job(const JobId& id) const {
  return load(rocksdb::ReadOptions{}, id.value);
}

Status RocksJournal::live_jobs(const std::function<void(JobRecord)>& each) const {
  const StoreSnapshot snapshot(*db_);
  const auto at = snapshot.iterate(table(Table::live));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    Result<JobRecord> record = load(snapshot.options(), view(at->key()));
    if (!record) {
      if (record.error().code != ErrorCode::not_found) return fail(record.error());
      return fail(
          damaged("journal", fmt::format("the record of live job {} is missing", view(at->key()))));
    }
    each(std::move(*record));
  }
  if (!at->status().ok()) return fail(store_error("read the live jobs", at->status()));
  return ok();
}

Result<JobPage> RocksJournal::jobs(const JobQuery& query) const {
  const std::size_t limit = std::max<std::size_t>(1, query.limit);
  const StoreSnapshot snapshot(*db_);
  const bool all = !query.tenant.has_value();
  const auto at = snapshot.iterate(table(all ? Table::jobs : Table::tenants));
  const std::string prefix = all ? std::string() : tenant_key(*query.tenant, {});
  const std::string cursor = prefix + query.after;

  if (!query.after.empty()) {
    at->SeekForPrev(cursor);
    if (at->Valid() && view(at->key()) == cursor) at->Prev();
  } else if (all) {
    at->SeekToLast();
  } else {
    at->SeekForPrev(tenant_end(*query.tenant));
  }

  JobPage page;
  for (; at->Valid() && view(at->key()).starts_with(prefix); at->Prev()) {
    Result<JobRecord> record = load(snapshot.options(), view(at->key()).substr(prefix.size()));
    if (!record) {
      if (record.error().code != ErrorCode::not_found) return fail(record.error());
      return fail(damaged("journal", "a job of the tenants' table has no record"));
    }
    if (query.keep && !query.keep(*record)) continue;
    if (page.jobs.size() == limit) {
      page.more = true;
      break;
    }
    page.jobs.push_back(std::move(*record));
  }
  if (!at->status().ok()) return fail(store_error("list the jobs", at->status()));
  return page;
}

std::optional<JobId> RocksJournal::by_idempotency_key(const TenantId& tenant,
                                                      std::string_view key) const {
  std::string job;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions{}, table(Table::idempotency), tenant_key(tenant, key), &job);
  if (status.ok()) return JobId{job};
  // The caller would take silence for "never seen" and run a job twice: a store that cannot answer
  // takes no further commit either.
  if (!status.IsNotFound()) watch_->fail_with(store_error("read an idempotency key", status));
  return std::nullopt;
}

}  // namespace tradewind
