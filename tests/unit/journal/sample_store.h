// Entries, job records and a directory of their own for the journal tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "schemas/journal.h"
#include "state/journal/journal.h"

namespace tradewind::sample {

// Removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Opens, failing the test with the error's words when it does not.
std::unique_ptr<Journal> open(const std::filesystem::path& directory);

Entry submitted(std::uint64_t number, std::string tenant = "physics", std::string key = {});
JobRecord record(std::uint64_t number, std::string tenant = "physics",
                 JobState state = JobState::queued);
JobId id(std::uint64_t number);

// Commits the jobs from..to of the tenant, one batch.
void fill(Journal& journal, std::uint64_t from, std::uint64_t to, std::string tenant = "physics",
          JobState state = JobState::queued);

// Every entry, in order.
std::vector<Entry> entries(const Journal& journal);
// Follows the cursor through all pages; fails the test when a page says that another follows and
// none does.
std::vector<std::string> list_all(const Journal& journal, JobQuery query);

}  // namespace tradewind::sample
