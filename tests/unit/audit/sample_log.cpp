#include "tests/unit/audit/sample_log.h"

#include <algorithm>

#include "schemas/limits.h"
#include "state/transparency/audit.h"

namespace tradewind::sample {
namespace {

constexpr std::uint64_t kEntriesAJob = 8;

// More than a leaf has room for.
JobsCleared large_clearing() {
  JobsCleared cleared;
  for (std::uint64_t job = 1; job <= limits::jobs_cleared_max; ++job) {
    cleared.jobs.push_back({id(job), {}});
    for (char each = 'a'; each < 'h'; ++each) {
      cleared.jobs.back().excluded.push_back(SiteId{std::string(60, each)});
    }
  }
  return cleared;
}

}  // namespace

SigningKey log_key() {
  return *SigningKey::from_seed(Bytes(32, '\7'));
}

const LeafWriter& leaf_writer() {
  static const LeafWriter writer("//log.example", Bytes(32, 's'));
  return writer;
}

LeafMaker leaf_maker() {
  return [](Sequence sequence, const Entry& entry) { return leaf_writer().write(sequence, entry); };
}

Entry log_entry(std::uint64_t sequence) {
  const std::uint64_t first = sequence - (sequence - 1) % kEntriesAJob;
  const bool array = first / kEntriesAJob % 3 == 2;
  const JobId job = array && sequence != first ? array_task_id(id(first), sequence % 4) : id(first);
  Entry entry = submitted(first, first / kEntriesAJob % 2 == 0 ? "physics" : "chemistry");
  JobDecided decided{{job, 2}, {}};
  switch (sequence - first) {
    case 0: break;
    case 1: entry.body = AttemptRefused{{job, 1}, RefusalCode::no_capacity, "full"}; break;
    case 2:
    case 3:
      decided.decision.outcome = Outcome::placed;
      decided.decision.chosen.emplace();
      decided.decision.chosen->site = SiteId{sequence - first == 2 ? "osaka" : "paris"};
      decided.decision.chosen->pool = PoolId{"cpu"};
      entry.body = std::move(decided);
      break;
    case 4:
      decided.decision.outcome = Outcome::unroutable;
      entry.body = JobUnroutable{job, std::move(decided.decision)};
      if (sequence == kLargeEntry) entry.body = large_clearing();
      break;
    case 7: entry.body = TermBegan{Term{sequence}}; break;
    default: entry.body = AttemptGranted{{job, 2}}; break;
  }
  // Several entries share one time.
  entry.at = wall_from_ms(1'700'000'000'000 + static_cast<std::int64_t>(sequence / 3) * 1'000);
  return entry;
}

void grow(Journal& journal, std::uint64_t last) {
  while (journal.last().value < last) {
    JournalBatch batch;
    const std::uint64_t next = journal.last().value + 1;
    for (std::uint64_t sequence = next; sequence <= std::min(last, next + 499); ++sequence) {
      batch.entries.push_back(log_entry(sequence));
    }
    if (next == 1) batch.values.push_back({std::string(journal_term_key), "1"});
    const Status committed = journal.commit(batch);
    ASSERT_TRUE(committed) << describe(committed.error());
  }
}

void set_term(Journal& journal, std::uint64_t term) {
  const Status committed =
      journal.commit({.entries = {},
                      .jobs = {},
                      .values = {{std::string(journal_term_key), std::to_string(term)}}});
  ASSERT_TRUE(committed) << describe(committed.error());
}

Result<LogWriter> recover(Journal& journal, LogWriteLimits limits, EntryFeed* feed) {
  return LogWriter::recover(kOrigin, journal, leaf_maker(), log_key(), limits, feed);
}

void publish(LogWriter& writer) {
  do {
    const Status written = writer.write();
    ASSERT_TRUE(written) << describe(written.error());
  } while (writer.behind());
  const auto done = writer.sign();
  ASSERT_TRUE(done) << describe(done.error());
}

void make_log(const std::filesystem::path& directory, std::uint64_t size) {
  const auto journal = open(directory);
  ASSERT_NE(journal, nullptr);
  for (const std::uint64_t at : {size / 3, size / 2, size}) {
    grow(*journal, at);
    auto writer = recover(*journal);
    ASSERT_TRUE(writer) << describe(writer.error());
    publish(*writer);
  }
}

Status audit_whole(const LogStore& store) {
  const auto note = store.checkpoint();
  if (!note) return fail(note.error());
  if (!*note) return fail(ErrorCode::not_found, "checkpoint", "there is none");
  const auto opened =
      open_checkpoint(**note, VerifierKey{kOrigin, KeyType::ed25519, log_key().public_key()});
  if (!opened) return fail(opened.error());
  return audit({}, opened->checkpoint.head, store.tile_reader(), store.bundle_reader());
}

}  // namespace tradewind::sample
