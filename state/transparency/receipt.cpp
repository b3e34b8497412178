#include "state/transparency/receipt.h"

#include "state/identity/encoding.h"
#include "state/transparency/limits.h"
#include "state/transparency/line.h"

namespace tradewind {
namespace {

constexpr std::string_view kFirstLine = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";

}  // namespace

Result<Receipt> make_receipt(std::uint64_t index, const Hash& leaf, const Hash& root,
                             BytesView checkpoint, TileHashes& tree) {
  auto proof = prove_inclusion(index, tree);
  if (!proof) return fail(proof.error());
  if (!verify_inclusion(leaf, index, TreeHead{tree.size(), root}, *proof)) {
    return fail(ErrorCode::corrupt, "tiles",
                "those on the way of leaf " + std::to_string(index) +
                    " do not lead to the root that was signed",
                "restore the log's store, or compute its tiles anew from the entries");
  }
  return Receipt{std::nullopt, index, std::move(*proof), Bytes(checkpoint)};
}

Bytes format_receipt(const Receipt& receipt) {
  Bytes bytes = Bytes(kFirstLine) + "\n";
  if (receipt.extra) bytes += Bytes(kExtra) + base64_encode(*receipt.extra) + "\n";
  bytes += Bytes(kIndex) + std::to_string(receipt.index) + "\n";
  for (const Hash& each : receipt.proof) bytes += hash_line(each) + "\n";
  return bytes + "\n" + receipt.checkpoint;
}

Result<Receipt> parse_receipt(BytesView bytes) {
  const auto refuse = [](std::string why) {
    return fail(ErrorCode::invalid, "receipt", std::move(why),
                "give the receipt as the log handed it out");
  };
  constexpr std::size_t base64_growth = 2;  // at most, and the other lines fit into the rest
  constexpr std::size_t bytes_max =
      limits::note_bytes_max + base64_growth * limits::receipt_extra_bytes_max;
  if (bytes.size() > bytes_max) {
    return refuse("is over the limit of " + std::to_string(bytes_max) + " bytes");
  }
  if (take_line(bytes) != kFirstLine) {
    return refuse("its first line is not " + std::string(kFirstLine));
  }
  Receipt receipt;
  auto line = take_line(bytes);
  if (line && line->starts_with(kExtra)) {
    auto extra = base64_decode("receipt", line->substr(kExtra.size()));
    if (!extra) return fail(extra.error());
    if (extra->size() > limits::receipt_extra_bytes_max) {
      return refuse("its extra data are over the limit of " +
                    std::to_string(limits::receipt_extra_bytes_max) + " bytes");
    }
    receipt.extra = std::move(*extra);
    line = take_line(bytes);
  }
  const auto index = line && line->starts_with(kIndex)
                         ? parse_decimal(line->substr(kIndex.size()), limits::tree_size_max)
                         : std::optional<std::uint64_t>();
  if (!index) return refuse("has no line with the index");
  receipt.index = *index;
  auto proof = take_proof("receipt", bytes);
  if (!proof) return fail(proof.error());
  receipt.proof = std::move(*proof);
  receipt.checkpoint = bytes;
  return receipt;
}

Result<VerifiedCheckpoint> verify_receipt(const Receipt& receipt, BytesView entry,
                                          const VerifierKey& log,
                                          std::span<const VerifierKey> witnesses) {
  auto opened = open_checkpoint(receipt.checkpoint, log, witnesses);
  if (!opened) return opened;
  const Status included =
      verify_inclusion(Hasher().leaf(entry), receipt.index, opened->checkpoint.head, receipt.proof);
  if (!included) return fail(included.error());
  return opened;
}

}  // namespace tradewind
