// Expected failures as values. `Result<T>` cannot be dropped by accident; `Status` is a result
// without a value.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <variant>

namespace tradewind {

// A code exists only where some caller acts on it; the rest is detail for the reader.
enum class ErrorCode {
  invalid,          // the input is wrong; the same input will never work
  unauthenticated,  // nobody known is asking
  forbidden,        // somebody known who may not
  not_found,        // no such thing, or none that the caller may see
  conflict,         // it contradicts what is there already
  too_large,        // over a limit that the message names
  exhausted,        // a bound is reached for now; try again later
  unavailable,      // a part is away for now; it surely did not happen
  refused,          // the other side said no; it surely did not happen
  maybe_delivered,  // no answer: it may or may not have happened
  corrupt,          // stored or received bytes are not what they must be
  internal,         // our own fault
};

std::string_view to_string(ErrorCode code);

// What went wrong, for a person: which field, what is wrong with which value, and what to do about
// it.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string field;    // "resources.cpus"; empty when no single field is at fault
  std::string message;  // names the value: "-1 is not a positive whole number"
  std::string remedy;   // "give the number of CPUs per node, 1 to 4096"

  friend bool operator==(const Error&, const Error&) = default;
};

// "field: message; remedy", leaving out what is empty. Always UTF-8: bytes that are not, and
// control characters but newline and tab, read "\xb0".
std::string describe(const Error& error);

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<std::monostate>;
inline Status ok() {
  return Status{std::monostate{}};
}

inline tl::unexpected<Error> fail(ErrorCode code, std::string field, std::string message,
                                  std::string remedy = {}) {
  return tl::unexpected<Error>(
      Error{code, std::move(field), std::move(message), std::move(remedy)});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// Bytes that are not text: encoded messages, keys, digests.
using Bytes = std::string;
using BytesView = std::string_view;

}  // namespace tradewind
