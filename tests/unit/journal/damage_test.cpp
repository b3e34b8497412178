// A store that is damaged, cut short or half replaced is refused; one that merely lost an
// unacknowledged tail is not.
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "state/journal/journal.h"
#include "tests/unit/journal/sample_store.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
using sample::entries;
using sample::fill;
using sample::TemporaryDirectory;

std::vector<fs::path> files(const fs::path& directory, const std::string& extension) {
  std::vector<fs::path> result;
  for (const auto& each : fs::directory_iterator(directory / "store")) {
    if (each.path().extension() == extension) result.push_back(each.path());
  }
  std::ranges::sort(result);
  return result;
}

fs::path largest(const std::vector<fs::path>& paths) {
  return *std::ranges::max_element(paths, {},
                                   [](const fs::path& each) { return fs::file_size(each); });
}

void flip_byte(const fs::path& path, std::uintmax_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  ASSERT_NE(byte, EOF);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x40));
}

void expect_refused(const fs::path& directory, const std::string& words = {}) {
  const auto journal = Journal::open(directory);
  ASSERT_FALSE(journal) << "a damaged store was opened";
  EXPECT_EQ(journal.error().code, ErrorCode::corrupt) << describe(journal.error());
  EXPECT_NE(describe(journal.error()).find(words), std::string::npos) << describe(journal.error());
  EXPECT_FALSE(journal.error().remedy.empty());
}

// Leaves the store as a killed process does: everything still in the write-ahead log.
void fill_and_die(const fs::path& directory, std::uint64_t commits) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto journal = Journal::open(directory);
    if (!journal) ::_exit(1);
    for (std::uint64_t number = 1; number <= commits; ++number) fill(**journal, number, number);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(JournalDamage, NothingAcknowledgedIsLostWhenTheProcessIsKilled) {
  const TemporaryDirectory directory;
  fill_and_die(directory.path(), 50);
  EXPECT_EQ(entries(*sample::open(directory.path())).size(), 50U);
}

TEST(JournalDamage, AFlippedByteInTheLogIsFound) {
  const TemporaryDirectory original;
  fill_and_die(original.path(), 50);
  const std::uintmax_t size = fs::file_size(largest(files(original.path(), ".log")));
  for (const std::uintmax_t percent : {1U, 20U, 50U, 80U, 99U}) {
    const TemporaryDirectory directory;
    fs::copy(original.path(), directory.path(), fs::copy_options::recursive);
    flip_byte(largest(files(directory.path(), ".log")), size * percent / 100);
    expect_refused(directory.path());
  }
}

TEST(JournalDamage, ALogCutShortAfterAnAcknowledgedCommitIsFound) {
  const TemporaryDirectory original;
  fill_and_die(original.path(), 20);
  const std::uintmax_t size = fs::file_size(largest(files(original.path(), ".log")));
  // At record boundaries and inside records: every length that loses at least the last commit.
  for (std::uintmax_t cut = 1; cut < size; cut += size / 23 + 1) {
    const TemporaryDirectory directory;
    fs::copy(original.path(), directory.path(), fs::copy_options::recursive);
    fs::resize_file(largest(files(directory.path(), ".log")), size - cut);
    expect_refused(directory.path());
  }
}

TEST(JournalDamage, AnUnacknowledgedTailIsDroppedInSilence) {
  const TemporaryDirectory directory;
  fill_and_die(directory.path(), 20);
  // Half a record that no commit ever returned for.
  std::ofstream log(largest(files(directory.path(), ".log")), std::ios::app | std::ios::binary);
  log << std::string("\x12\x34\x56\x78\xff\x00\x01partial", 14);
  log.close();
  EXPECT_EQ(entries(*sample::open(directory.path())).size(), 20U);
}

TEST(JournalDamage, AFlippedByteInATableIsFound) {
  const TemporaryDirectory original;
  fill_and_die(original.path(), 300);
  // Reopening moves what was in the log into tables.
  sample::open(original.path()).reset();
  const auto tables = files(original.path(), ".sst");
  ASSERT_FALSE(tables.empty());
  const std::uintmax_t size = fs::file_size(largest(tables));
  for (const std::uintmax_t percent : {5U, 30U, 60U}) {
    const TemporaryDirectory directory;
    fs::copy(original.path(), directory.path(), fs::copy_options::recursive);
    flip_byte(largest(files(directory.path(), ".sst")), size * percent / 100);
    // Entries are read at opening; other tables when they are used.
    const auto journal = Journal::open(directory.path());
    if (!journal) {
      EXPECT_EQ(journal.error().code, ErrorCode::corrupt) << describe(journal.error());
      continue;
    }
    const Status live = (*journal)->live_jobs([](const Bytes&) {});
    ASSERT_FALSE(live);
    EXPECT_EQ(live.error().code, ErrorCode::corrupt) << describe(live.error());
  }
}

TEST(JournalDamage, AStoreOlderThanWhatWasAcknowledgedIsRefused) {
  const TemporaryDirectory directory;
  const TemporaryDirectory backup;
  auto journal = sample::open(directory.path());
  fill(*journal, 1, 5);
  journal.reset();
  fs::copy(directory.path() / "store", backup.path() / "store", fs::copy_options::recursive);
  journal = sample::open(directory.path());
  fill(*journal, 6, 9);
  journal.reset();
  fs::remove_all(directory.path() / "store");
  fs::copy(backup.path() / "store", directory.path() / "store", fs::copy_options::recursive);
  expect_refused(directory.path(), "ends at entry 5, but entry 9 was acknowledged");
  fs::remove_all(directory.path() / "store");
  expect_refused(directory.path(), "ends at entry 0, but entry 9 was acknowledged");
}

TEST(JournalDamage, AMissingOrSpoiledGuardIsRefused) {
  const TemporaryDirectory directory;
  auto journal = sample::open(directory.path());
  fill(*journal, 1, 5);
  journal.reset();
  flip_byte(directory.path() / "last-sequence", 7);
  expect_refused(directory.path(), "not a number and its complement");
  fs::remove(directory.path() / "last-sequence");
  expect_refused(directory.path(), "missing");
}

TEST(JournalDamage, AGuardThatIsBehindIsFine) {
  // As after a power cut: the store was synced, the guard was not.
  const TemporaryDirectory directory;
  auto journal = sample::open(directory.path());
  fill(*journal, 1, 5);
  fs::copy(directory.path() / "last-sequence", directory.path() / "older");
  fill(*journal, 6, 9);
  journal.reset();
  fs::rename(directory.path() / "older", directory.path() / "last-sequence");
  journal = sample::open(directory.path());
  EXPECT_EQ(journal->last().value, 9U);
  fill(*journal, 10, 10);
}

TEST(JournalDamage, AFailedCommitEndsTheJournal) {
  // A limit on file sizes stands in for a full disk.
  const TemporaryDirectory directory;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto journal = Journal::open(directory.path());
    if (!journal) ::_exit(1);
    fill(**journal, 1, 3);
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{4'096, 4'096};
    if (::setrlimit(RLIMIT_FSIZE, &tight) != 0) ::_exit(2);
    JournalBatch batch;
    for (std::uint64_t number = 4; number < 4'000; ++number) {
      batch.entries.push_back(sample::submitted(number));
    }
    const Status failed = (*journal)->commit(batch);
    if (failed || failed.error().code != ErrorCode::unavailable) ::_exit(3);
    if ((*journal)->last().value != 3) ::_exit(4);
    const rlimit wide{RLIM_INFINITY, RLIM_INFINITY};
    (void)::setrlimit(RLIMIT_FSIZE, &wide);
    // The store is in doubt, so nothing more is taken even where it would work again.
    if ((*journal)->commit({.entries = {sample::submitted(4)}, .jobs = {}, .values = {}})) {
      ::_exit(5);
    }
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto journal = sample::open(directory.path());
  EXPECT_EQ(entries(*journal).size(), 3U);
}

}  // namespace
}  // namespace tradewind
