// The missing parts of one file by several requests at once. Blocking; any thread. For
// http_transfer alone.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "gateway/staging/budget.h"
#include "gateway/staging/http_exchange.h"
#include "gateway/staging/range_book.h"
#include "state/identity/digest.h"

namespace tradewind {

// What is fetched where to; all of it outlives the call.
struct RangeDownload {
  const StagingPolicy& policy;
  const HttpTarget& target;
  const std::string& field;
  const std::stop_token& stop;
  SteadyTime deadline;
  int fd = -1;
  StagingBudget& budget;
  // Whether the book is kept behind the file's bytes while some are missing, so that another
  // process can go on (read_range_book).
  bool keep_book = false;

  // Of the parts that are there already; what comes is held against it, and is asked for by it.
  FileVersion version;
  RangeBook book;
  // Over the file's first `digested_bytes`; goes on as the beginning grows.
  Sha256& digest;
  std::uint64_t digested_bytes = 0;

  std::uint32_t counted_tries = 0;  // that brought no news while no other range was under way
  std::uint32_t tries = 0;          // requests that had to be made again
  std::uint64_t resumed_bytes = 0;  // that were there of a piece when it was gone on with
};

enum class RangesEnd {
  complete,  // all is there, digested, and nothing behind it
  // The server does not send these ranges of this version; what is there is as good as before.
  unusable,
};
// Fails like download() does, for good. The book then tells what is there, and so does the file
// where the book is kept.
Result<RangesEnd> download_ranges(RangeDownload& download);

// The book that was kept in the file; nothing when there is none.
std::optional<RangeBook> read_range_book(int fd, std::uint64_t piece_bytes_min);

}  // namespace tradewind
