// Checkpoints (C2SP tlog-checkpoint): the text by which a log commits to all of its entries so far.
// Signed as notes, they are what auditors keep and compare. Any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/note.h"
#include "state/transparency/proof.h"

namespace tradewind {

struct Checkpoint {
  std::string origin;  // names the log, and its key: a URL without the scheme
  TreeHead head;
  std::vector<std::string>
      extensions;  // lines that are signed and mean nothing here; ours have none
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// The text to sign. No line may be empty or hold a newline.
Bytes format_checkpoint(const Checkpoint& checkpoint);
// Strict: one text for one checkpoint. Fails with ErrorCode::invalid.
Result<Checkpoint> parse_checkpoint(BytesView text);

// A checkpoint whose signatures were checked.
struct VerifiedCheckpoint {
  Checkpoint checkpoint;
  std::vector<VerifiedSignature> cosignatures;  // by the witnesses that were asked for
};

// Parses a signed checkpoint and checks that the log signed it under its origin. How many
// cosignatures are enough is for the caller to say. `log` is of type ed25519, `witnesses` of type
// cosignature. Fails with ErrorCode::invalid or, where signatures are missing or bad, with
// unauthenticated.
Result<VerifiedCheckpoint> open_checkpoint(BytesView note, const VerifierKey& log,
                                           std::span<const VerifierKey> witnesses = {});

}  // namespace tradewind
