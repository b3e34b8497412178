// Receipts (C2SP tlog-proof): what the holder of an entry keeps in order to show, without asking
// anybody, that the log has it. The entry's bytes are not in it. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/checkpoint.h"

namespace tradewind {

struct Receipt {
  std::optional<Bytes> extra;  // not signed by anybody; at most limits::receipt_extra_bytes_max
  std::uint64_t index = 0;
  std::vector<Hash> proof;  // of inclusion, the leaf's sibling first
  Bytes checkpoint;         // signed, as it was published
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

// For the leaf with this index in the tree of the signed checkpoint, whose root is `root`. The
// proof is verified against it, so that no damaged tile gets into a receipt. Fails as
// prove_inclusion does, or with ErrorCode::corrupt.
Result<Receipt> make_receipt(std::uint64_t index, const Hash& leaf, const Hash& root,
                             BytesView checkpoint, TileHashes& tree);

Bytes format_receipt(const Receipt& receipt);
// Strict but for the checkpoint, which is taken as it stands. Fails with ErrorCode::invalid.
Result<Receipt> parse_receipt(BytesView bytes);

// Whether the receipt shows that the log has `entry`; arguments and errors otherwise as
// open_checkpoint's.
Result<VerifiedCheckpoint> verify_receipt(const Receipt& receipt, BytesView entry,
                                          const VerifierKey& log,
                                          std::span<const VerifierKey> witnesses = {});

}  // namespace tradewind
