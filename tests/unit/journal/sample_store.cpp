#include "tests/unit/journal/sample_store.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace tradewind::sample {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "tradewind-journal-XXXXXX").string();
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<Journal> open(const std::filesystem::path& directory) {
  auto journal = Journal::open(directory);
  if (!journal) {
    ADD_FAILURE() << describe(journal.error());
    return nullptr;
  }
  return std::move(*journal);
}

JobId id(std::uint64_t number) {
  return job_id(Sequence{number});
}

Entry submitted(std::uint64_t number, std::string tenant, std::string key) {
  JobSubmitted body;
  body.job = id(number);
  body.tenant = TenantId{std::move(tenant)};
  body.principal = "ada";
  body.idempotency_key = std::move(key);
  body.spec.name = "job " + std::to_string(number);
  return Entry{wall_from_ms(1'000 + static_cast<std::int64_t>(number)), std::move(body)};
}

JobRecord record(std::uint64_t number, std::string tenant, JobState state) {
  JobRecord result;
  result.job = id(number);
  result.tenant = TenantId{std::move(tenant)};
  result.principal = "ada";
  result.spec.name = "job " + std::to_string(number);
  result.state = state;
  return result;
}

void fill(Journal& journal, std::uint64_t from, std::uint64_t to, std::string tenant,
          JobState state) {
  JournalBatch batch;
  for (std::uint64_t number = from; number <= to; ++number) {
    batch.entries.push_back(submitted(number, tenant));
    batch.jobs.emplace_back(record(number, tenant, state));
  }
  const Status status = journal.commit(batch);
  ASSERT_TRUE(status) << describe(status.error());
}

std::vector<Entry> entries(const Journal& journal) {
  std::vector<Entry> result;
  const Status status = journal.read(Sequence{1}, [&](Sequence sequence, const Entry& entry) {
    EXPECT_EQ(sequence.value, result.size() + 1);
    result.push_back(entry);
    return true;
  });
  EXPECT_TRUE(status) << describe(status.error());
  return result;
}

std::vector<std::string> list_all(const Journal& journal, JobQuery query) {
  std::vector<std::string> result;
  for (;;) {
    const Result<JobPage> page = journal.jobs(query);
    if (!page) {
      ADD_FAILURE() << describe(page.error());
      return result;
    }
    EXPECT_LE(page->jobs.size(), query.limit);
    // Without a filter, a page that another follows is full, and that one has something.
    if (!query.keep && !page->next.empty()) EXPECT_EQ(page->jobs.size(), query.limit);
    if (!query.keep && page->jobs.empty() && !query.after.empty()) {
      ADD_FAILURE() << "an announced page is empty";
    }
    for (const JobRecord& each : page->jobs) result.push_back(each.job.value);
    if (page->next.empty()) return result;
    query.after = page->next;
  }
}

}  // namespace tradewind::sample
