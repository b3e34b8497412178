// A journal with entries about jobs of two tenants, and the log that is made of it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "broker/audit/log_writer.h"
#include "broker/audit/published_log.h"
#include "tests/unit/journal/sample_store.h"

namespace tradewind::sample {

// Its leaf keeps the data beside the log.
inline constexpr std::uint64_t kLargeEntry = 5;

inline const std::string kOrigin = "log.example/test";

SigningKey log_key();
const LeafWriter& leaf_writer();
LeafMaker leaf_maker();

// Entry number `sequence`: of each eight, one submits a job, or an array, and the others tell what
// became of it.
Entry log_entry(std::uint64_t sequence);
// Commits entries up to number `last`, and a term with the first.
void grow(Journal& journal, std::uint64_t last);
void set_term(Journal& journal, std::uint64_t term);

Result<LogWriter> recover(Journal& journal, LogWriteLimits limits = {}, EntryFeed* feed = nullptr);
// Writes and signs all that the journal has.
void publish(LogWriter& writer);
// A journal with `size` entries, all published, and closed again; published at some sizes between
// as well.
void make_log(const std::filesystem::path& directory, std::uint64_t size);

// Reads the whole log as an auditor does, against the stored checkpoint.
Status audit_whole(const LogStore& store);

}  // namespace tradewind::sample
