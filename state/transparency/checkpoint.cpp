#include "state/transparency/checkpoint.h"

#include "schemas/assert.h"
#include "state/transparency/limits.h"
#include "state/transparency/line.h"

namespace tradewind {
namespace {

tl::unexpected<Error> no_checkpoint(std::string why) {
  return fail(ErrorCode::invalid, "checkpoint", std::move(why),
              "send the log's checkpoint as it was published");
}

}  // namespace

Bytes format_checkpoint(const Checkpoint& checkpoint) {
  TRADEWIND_ASSERT(!checkpoint.origin.empty() && checkpoint.head.size <= limits::tree_size_max);
  Bytes text = checkpoint.origin + "\n" + std::to_string(checkpoint.head.size) + "\n" +
               hash_line(checkpoint.head.root) + "\n";
  for (const std::string& each : checkpoint.extensions) {
    TRADEWIND_ASSERT(!each.empty());
    text += each + "\n";
  }
  return text;
}

Result<Checkpoint> parse_checkpoint(BytesView text) {
  Checkpoint checkpoint;
  const auto origin = take_line(text);
  if (!origin || origin->empty()) return no_checkpoint("its first line is no origin");
  checkpoint.origin = *origin;
  const auto digits = take_line(text);
  const auto size =
      digits ? parse_decimal(*digits, limits::tree_size_max) : std::optional<std::uint64_t>();
  if (!size) return no_checkpoint("its second line is no tree size in decimal digits");
  checkpoint.head.size = *size;
  const auto line = take_line(text);
  const auto root = line ? parse_hash_line(*line) : std::optional<Hash>();
  if (!root) return no_checkpoint("its third line is no root hash in base64");
  checkpoint.head.root = *root;
  while (const auto extension = take_line(text)) {
    if (extension->empty()) return no_checkpoint("has an empty extension line");
    checkpoint.extensions.emplace_back(*extension);
  }
  if (!text.empty()) return no_checkpoint("its last line does not end with a newline");
  return checkpoint;
}

Result<VerifiedCheckpoint> open_checkpoint(BytesView bytes, const VerifierKey& log,
                                           std::span<const VerifierKey> witnesses) {
  const auto note = parse_note(bytes);
  if (!note) return fail(note.error());
  std::vector<VerifierKey> keys{log};
  keys.insert(keys.end(), witnesses.begin(), witnesses.end());
  auto signatures = verify_note(*note, keys);
  if (!signatures) return fail(signatures.error());
  if (signatures->front().key != log) {
    return fail(ErrorCode::unauthenticated, "checkpoint", "the log itself has not signed it",
                "check that the key given is that of this log");
  }
  signatures->erase(signatures->begin());
  auto checkpoint = parse_checkpoint(note->text);
  if (!checkpoint) return fail(checkpoint.error());
  if (checkpoint->origin != log.name) {
    return fail(ErrorCode::unauthenticated, "checkpoint",
                "it is of the log " + checkpoint->origin + ", but the key is that of " + log.name,
                "give the key of that log");
  }
  return VerifiedCheckpoint{std::move(*checkpoint), std::move(*signatures)};
}

}  // namespace tradewind
