#include "state/journal/rocks_journal.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "schemas/assert.h"
#include "schemas/codec.h"
#include "state/disk/manifest_check.h"
#include "state/disk/store_options.h"
#include "state/journal/entry_group.h"
#include "state/journal/keys.h"
#include "state/journal/limits.h"

namespace tradewind {
namespace {

constexpr std::string_view kFormat = "5";
constexpr std::string_view kFormatRecords = "4";  // the rows of all jobs were records: read as well
// Each entry had a row of its own, and `jobs` one for each live job: both are read as well.
constexpr std::string_view kFormatOneEntry = "3";
constexpr std::string_view kFormatFlat = "2";      // entries and records lay flat: read as well
constexpr std::string_view kFormatOneTable = "1";  // and those of live jobs stood among the others
constexpr std::array kFormatsBefore = {kFormatRecords, kFormatOneEntry, kFormatFlat,
                                       kFormatOneTable};
constexpr std::array<const char*, 11> kTableNames = {
    "default", "entries",   "jobs",        "live",     "tenants",  "idempotency",
    "values",  "log_tiles", "log_bundles", "log_data", "log_index"};
constexpr int kNiceMax = 19;
constexpr std::size_t kBytesAPut = 64;  // about what a write takes beside its value

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
  blocks.block_size = limits::journal_block_bytes;
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::ColumnFamilyOptions options;
  options.paranoid_file_checks = true;
  options.compression = rocksdb::kLZ4Compression;
  // Most keys follow the one before them of the same table or, in the log's index, letter.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  return options;
}

Result<JobRecord> read_record(std::string_view id, std::string_view bytes) {
  Result<JobRecord> record = decode_job_record(bytes);
  if (record) return record;
  return fail(damaged("journal", fmt::format("the record of job {} does not read: {}", id,
                                             describe(record.error()))));
}

// The numbers of a row's first entry and of the one after its last.
struct RowRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};
Result<RowRange> range_of(const rocksdb::Iterator& at) {
  const auto first = parse_sequence_key(view(at.key()));
  const auto count = entries_in(view(at.value()));
  if (!first || !count) return fail(damaged("journal", "a row of entries does not read"));
  return RowRange{first->value, first->value + *count};
}

// To the row that the entry is in; to none when all are older.
Status seek_row(rocksdb::Iterator& at, Sequence entry) {
  const std::string key = sequence_key(entry);
  at.SeekForPrev(key);
  if (!at.Valid()) {
    at.Seek(key);
    return ok();
  }
  const auto range = range_of(at);
  if (!range) return fail(range.error());
  if (range->end <= entry.value) at.Next();
  return ok();
}

// Of a row that must hold the expected entry.
Result<RowRange> range_with(const rocksdb::Iterator& at, Sequence expected) {
  auto range = range_of(at);
  if (range && (expected.value < range->begin || range->end <= expected.value)) {
    return fail(
        damaged("journal", fmt::format("entry {} is missing, others follow", expected.value)));
  }
  return range;
}

// To the last key below this one.
void seek_before(rocksdb::Iterator& at, std::string_view key) {
  at.SeekForPrev(slice(key));
  if (at.Valid() && view(at.key()) == key) at.Prev();
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
  if (const Status whole = journal->check_end(directory); !whole) return fail(whole.error());
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
  closing_ = true;
  if (check_behind_.joinable()) check_behind_.join();
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
  // Its rows are soon replaced or gone.
  descriptors[static_cast<std::size_t>(Table::live)].options.compression = rocksdb::kNoCompression;
  // They come compressed.
  descriptors[static_cast<std::size_t>(Table::log_bundles)].options.compression =
      rocksdb::kNoCompression;
  if (const Status whole = check_manifest(directory / "store"); !whole) return whole;
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
  if (std::ranges::find(kFormatsBefore, format) != kFormatsBefore.end())
    return bring_up_to_date(format);
  if (format != kFormat) {
    return fail(ErrorCode::conflict, directory.string(),
                fmt::format("the journal has format {}, this program knows {}", format, kFormat),
                "use the program version that wrote it, or a newer one");
  }
  return ok();
}

// Done half, it is done again from the start.
Status RocksJournal::bring_up_to_date(std::string_view format) {
  const std::unique_ptr<rocksdb::Iterator> at(
      db_->NewIterator(rocksdb::ReadOptions{}, table(Table::live)));
  rocksdb::WriteBatch write;
  for (at->SeekToFirst(); at->Valid() && format == kFormatOneTable; at->Next()) {
    rocksdb::PinnableSlice record;
    const rocksdb::Status status =
        db_->Get(rocksdb::ReadOptions{}, table(Table::jobs), at->key(), &record);
    if (!status.ok()) return fail(store_error("read a live job", status));
    write.Put(table(Table::live), at->key(), record);
    write.Put(table(Table::jobs), at->key(), rocksdb::Slice());
  }
  if (!at->status().ok()) return fail(store_error("read the live jobs", at->status()));
  write.Put(table(Table::meta), "format", slice(kFormat));
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const rocksdb::Status written = db_->Write(durable, &write);
  if (!written.ok()) return fail(store_error("bring the store up to date", written));
  return ok();
}

Status RocksJournal::check_end(const std::filesystem::path& directory) {
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

  const Sequence checked{last.value - std::min(last.value, limits::entries_checked_at_start)};
  std::string newest;
  if (const Status whole = check_entries(checked, last, &newest); !whole) return whole;

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
    const auto row = EntryRow::open(newest);
    const Result<Entry> entry =
        row ? decode_entry(row->entries().back()) : Result<Entry>(fail(row.error()));
    if (!entry) {
      return fail(damaged(directory.string(), fmt::format("entry {} does not read: {}", last.value,
                                                          describe(entry.error()))));
    }
    last_at_ = entry->at;
  }
  last_ = last.value;
  if (checked.value > 0) {
    check_behind_ = std::thread([this, checked] {
      // Whoever waits for the broker goes first.
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceMax);
      const Status whole = check_entries(Sequence{0}, checked, nullptr);
      if (!whole) watch_->fail_with(whole.error());
    });
  }
  return ok();
}

Status RocksJournal::check_entries(Sequence after, Sequence last, std::string* newest) const {
  rocksdb::ReadOptions scan;
  scan.fill_cache = false;
  scan.readahead_size = limits::check_readahead_bytes;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(scan, table(Table::entries)));
  Sequence expected{after.value + 1};
  if (const Status found = seek_row(*at, expected); !found) return found;
  for (; at->Valid() && !closing_; at->Next()) {
    if (newest == nullptr && expected.value > last.value) return ok();
    const auto range = range_with(*at, expected);
    if (!range) return fail(range.error());
    if (newest != nullptr && range->end == last.value + 1) *newest = at->value().ToString();
    expected.value = range->end;
  }
  if (!at->status().ok()) return fail(store_error("read the entries", at->status()));
  // Only the newest entries end where the last row does.
  const bool is_whole =
      newest == nullptr ? expected.value > last.value : expected.value == last.value + 1;
  if (!is_whole && !closing_) {
    return fail(damaged("journal", fmt::format("holds {} entries, but {} were written",
                                               expected.value - 1, last.value)));
  }
  return ok();
}

Status RocksJournal::commit(const JournalBatch& batch) {
  if (const auto error = watch_->error()) return fail(*error);
  if (batch.empty()) return ok();

  // Entries are shorter, in their rows, than the rows of their jobs.
  std::size_t bytes = kBytesAPut * (batch.entries.size() + 2 * batch.jobs.size());
  for (const ChangedJob& job : batch.jobs) bytes += 2 * job.row.size();
  rocksdb::WriteBatch write(bytes);
  Sequence sequence{last_};
  Wall::time_point at = last_at_;
  EntryGroup group;
  Sequence first{sequence.value + 1};
  const auto put_group = [&] {
    if (group.empty()) return;
    write.Put(table(Table::entries), sequence_key(first), group.take());
    first.value = sequence.value + 1;
  };
  auto job = batch.jobs.begin();  // whose row may hold the next submission, encoded
  for (const Entry& entry : batch.entries) {
    TRADEWIND_ASSERT(entry.at >= at);
    at = entry.at;
    const auto* submitted = std::get_if<JobSubmitted>(&entry.body);
    std::optional<BytesView> encoded;
    if (submitted != nullptr) {
      while (job != batch.jobs.end() && job->job < submitted->job) ++job;
      if (job != batch.jobs.end() && job->job == submitted->job)
        encoded = submission_of_row(job->row);
    }
    group.add(encoded ? *encoded : encode(entry));
    ++sequence.value;
    if (group.full()) put_group();
    if (submitted != nullptr && !submitted->idempotency_key.empty()) {
      write.Put(table(Table::idempotency),
                tenant_key(submitted->tenant, submitted->idempotency_key), submitted->job.value);
    }
  }
  put_group();
  for (const ChangedJob& job : batch.jobs) {
    const std::string& id = job.job.value;
    if (is_final(job.state)) {
      write.Put(table(Table::jobs), id, job.row);
      write.Delete(table(Table::live), id);
    } else {
      write.Put(table(Table::live), id, job.row);
    }
    write.Put(table(Table::tenants), tenant_key(job.tenant, id), rocksdb::Slice());
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
  if (const Status found = seek_row(*at, expected); !found) return found;
  for (; at->Valid(); at->Next()) {
    const auto range = range_with(*at, expected);
    if (!range) return fail(range.error());
    const auto row = EntryRow::open(view(at->value()));
    if (!row) return fail(damaged("journal", describe(row.error())));
    const std::size_t skipped = expected.value - range->begin;
    for (const BytesView bytes : std::span(row->entries()).subspan(skipped)) {
      const Result<Entry> entry = decode_entry(bytes);
      if (!entry) {
        return fail(damaged("journal", fmt::format("entry {} does not read: {}", expected.value,
                                                   describe(entry.error()))));
      }
      if (!each(expected, *entry)) return ok();
      ++expected.value;
    }
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
  // In this order: a job that ends meanwhile is found in the other table.
  rocksdb::Status status = db_->Get(options, table(Table::live), slice(id), &bytes);
  if (status.IsNotFound()) status = db_->Get(options, table(Table::jobs), slice(id), &bytes);
  if (status.IsNotFound()) {
    return fail(ErrorCode::not_found, "job", fmt::format("there is no job {}", id));
  }
  if (!status.ok()) return fail(store_error("read a job", status));
  return read_record(id, view(bytes));
}

Result<JobRecord> RocksJournal::job(const JobId& id) const {
  return load(rocksdb::ReadOptions{}, id.value);
}

Status RocksJournal::live_jobs(const std::function<void(Bytes)>& each) const {
  rocksdb::ReadOptions scan;
  scan.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(scan, table(Table::live)));
  for (at->SeekToFirst(); at->Valid(); at->Next()) each(at->value().ToString());
  if (!at->status().ok()) return fail(store_error("read the live jobs", at->status()));
  return ok();
}

Result<JobPage> RocksJournal::jobs(const JobQuery& query) const {
  const std::size_t limit = std::max<std::size_t>(1, query.limit);
  const std::size_t examined_max = std::max(limit + 1, limits::jobs_examined_max);
  JobPage page;
  std::size_t examined = 0;
  Status status = ok();
  const auto examine = [&](Result<JobRecord> record) {
    if (!record) {
      status = fail(std::move(record.error()));
      return false;
    }
    const bool is_wanted = !query.keep || query.keep(*record);
    if (is_wanted && page.jobs.size() == limit) {
      page.next = page.jobs.back().job.value;
      return false;
    }
    if (++examined == examined_max) page.next = record->job.value;
    if (is_wanted) page.jobs.push_back(std::move(*record));
    return examined < examined_max;
  };
  const StoreSnapshot snapshot(*db_);
  const Status read = query.tenant ? read_back(snapshot, *query.tenant, query.after, examine)
                                   : read_back(snapshot, query.after, examine);
  if (!read) return fail(read.error());
  if (!status) return fail(status.error());
  return page;
}

Status RocksJournal::read_back(const StoreSnapshot& snapshot, const TenantId& tenant,
                               std::string_view after, const EachRecord& each) const {
  const std::string prefix = tenant_key(tenant, {});
  const auto at = snapshot.iterate(table(Table::tenants));
  seek_before(*at, after.empty() ? tenant_end(tenant) : tenant_key(tenant, after));
  for (; at->Valid() && view(at->key()).starts_with(prefix); at->Prev()) {
    Result<JobRecord> record = load(snapshot.options(), view(at->key()).substr(prefix.size()));
    if (!record && record.error().code == ErrorCode::not_found) {
      record = fail(damaged("journal", "a job of the tenants' table has no record"));
    }
    if (!each(std::move(record))) return ok();
  }
  if (!at->status().ok()) return fail(store_error("list the jobs", at->status()));
  return ok();
}

// Each job is in one of the two tables.
Status RocksJournal::read_back(const StoreSnapshot& snapshot, std::string_view after,
                               const EachRecord& each) const {
  const auto ended = snapshot.iterate(table(Table::jobs));
  const auto live = snapshot.iterate(table(Table::live));
  for (rocksdb::Iterator* const at : {ended.get(), live.get()}) {
    if (after.empty()) {
      at->SeekToLast();
    } else {
      seek_before(*at, after);
    }
  }
  while (ended->Valid() || live->Valid()) {
    const bool is_live =
        live->Valid() && (!ended->Valid() || view(ended->key()) < view(live->key()));
    rocksdb::Iterator& at = is_live ? *live : *ended;
    // In the formats before, those that live have an empty row among the others.
    const bool is_other = at.value().empty();
    if (!is_other && !each(read_record(view(at.key()), view(at.value())))) return ok();
    at.Prev();
  }
  for (const rocksdb::Iterator* const at : {ended.get(), live.get()}) {
    if (!at->status().ok()) return fail(store_error("list the jobs", at->status()));
  }
  return ok();
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
