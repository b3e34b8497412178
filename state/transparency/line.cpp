#include "state/transparency/line.h"

#include <charconv>

#include "state/identity/encoding.h"
#include "state/transparency/limits.h"

namespace tradewind {

std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> parse_decimal(std::string_view digits, std::uint64_t max) {
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value > max) {
    return std::nullopt;
  }
  return value;
}

std::string hash_line(const Hash& hash) {
  return base64_encode(hash.view());
}

std::optional<Hash> parse_hash_line(std::string_view line) {
  constexpr std::size_t base64_bytes = 44;
  if (line.size() != base64_bytes) return std::nullopt;
  const auto raw = base64_decode("hash", line);
  if (!raw || raw->size() != sha256_bytes) return std::nullopt;
  return Hash::from(*raw);
}

Result<std::vector<Hash>> take_proof(std::string_view field, std::string_view& text) {
  std::vector<Hash> proof;
  while (true) {
    const auto line = take_line(text);
    if (!line) {
      return fail(ErrorCode::invalid, std::string(field), "no empty line ends the proof",
                  "send the proof whole");
    }
    if (line->empty()) return proof;
    const auto hash = parse_hash_line(*line);
    if (!hash || proof.size() == limits::proof_hashes_max) {
      return fail(ErrorCode::invalid, std::string(field),
                  "line " + std::to_string(proof.size() + 1) +
                      (hash ? " is one too many" : " is not the base64 of 32 bytes"),
                  "give at most " + std::to_string(limits::proof_hashes_max) +
                      " hashes, each on a line of its own");
    }
    proof.push_back(*hash);
  }
}

}  // namespace tradewind
