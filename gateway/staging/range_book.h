// Which parts of a file are missing, and which of these somebody is fetching. Pure; not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tradewind {

class RangeBook {
 public:
  // How many bytes encode() makes.
  static constexpr std::size_t encoded_bytes = 4'096;

  // From `at` to before `end`, which no other range of the book has.
  struct Range {
    std::uint64_t at = 0;
    std::uint64_t end = 0;
    friend bool operator==(const Range&, const Range&) = default;
  };

  // A file of which all from `begun_bytes` on is missing. It is handed out in pieces: 64 of them,
  // but none has less than `piece_bytes_min`, but for the last, or more than 1 GiB.
  RangeBook(std::uint64_t size_bytes, std::uint64_t begun_bytes, std::uint64_t piece_bytes_min);
  // What encode() made; nothing when it is no such thing.
  static std::optional<RangeBook> decode(std::string_view bytes, std::uint64_t piece_bytes_min);
  // May say that more is missing than is.
  std::string encode() const;

  // The first piece that is missing and that nobody fetches.
  std::optional<Range> take();
  // Of what was taken and ends at `end`, all before `at` has come.
  void advance(std::uint64_t end, std::uint64_t at);
  // Whoever took what ends there fetches it no more.
  void give_back(std::uint64_t end);

  std::uint64_t size_bytes() const { return size_bytes_; }
  std::uint64_t missing_bytes() const;
  // Up to where nothing is missing.
  std::uint64_t beginning_bytes() const;

 private:
  struct Gap : Range {
    bool taken = false;
  };
  RangeBook(std::uint64_t size_bytes, std::uint64_t piece_bytes_min);
  std::vector<Gap>::iterator taken_until(std::uint64_t end);

  std::uint64_t size_bytes_ = 0;
  std::uint64_t piece_bytes_ = 0;
  std::vector<Gap> gaps_;  // rising, none empty
};

}  // namespace tradewind
