// Lines of text and what stands in them: whole numbers and hashes, each in its one form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/hash.h"

namespace tradewind {

// Takes the first line off `text` and gives it without its newline. Nothing, and nothing taken,
// when no newline is left.
std::optional<std::string_view> take_line(std::string_view& text);

// Decimal digits without a leading zero, at most `max`.
std::optional<std::uint64_t> parse_decimal(std::string_view digits, std::uint64_t max);

// Base64 of 32 bytes.
std::string hash_line(const Hash& hash);
std::optional<Hash> parse_hash_line(std::string_view line);

// Takes hash lines up to and with an empty line; at most limits::proof_hashes_max. Fails with
// ErrorCode::invalid naming `field`.
Result<std::vector<Hash>> take_proof(std::string_view field, std::string_view& text);

}  // namespace tradewind
