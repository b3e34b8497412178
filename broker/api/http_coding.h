// Content codings of bodies (RFC 9110, 8.4): gzip (RFC 1952) and zstd (RFC 8878).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

enum class Coding : std::uint8_t { identity, gzip, zstd };
std::string_view to_string(Coding coding);
// That a Content-Encoding header names, empty: identity. Nothing: one that is not known, or
// several.
std::optional<Coding> parse_coding(std::string_view content_encoding);

// What an Accept-Encoding header takes.
struct CodingChoice {
  Coding best = Coding::identity;  // the most wanted one; of equals the one that packs best
  bool identity = true;            // whether a body may come as it is
  bool none() const { return best == Coding::identity && !identity; }
  friend bool operator==(const CodingChoice&, const CodingChoice&) = default;
};
// A header that is not there is empty. Members that are malformed are passed over.
CodingChoice choose_coding(std::string_view accept_encoding);

std::string encode_body(Coding coding, std::string_view body);

// Undoes a coding piece by piece; several frames on end are one body.
class BodyDecoder {
 public:
  explicit BodyDecoder(Coding coding);  // not identity
  ~BodyDecoder();
  BodyDecoder(BodyDecoder&&) noexcept;
  BodyDecoder& operator=(BodyDecoder&&) noexcept;

  // Appends to `out` what the bytes stand for, at most `bytes_max` of it, and takes those that it
  // has used off `in`: when some are left, or `bytes_max` were appended, there may be more. Fails
  // with invalid when they are malformed or want more than 8 MiB of memory, and is of no use then.
  Status decode(std::string_view& in, std::string& out, std::size_t bytes_max);
  // Whether the body may end here.
  bool at_end() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tradewind
