// A witness's signature on a checkpoint, with a time (C2SP tlog-cosignature, version 1): it says
// that at this time the checkpoint was the largest that the witness has seen of this log, and that
// all of them were consistent.
#pragma once

#include <cstdint>

#include "schemas/result.h"
#include "state/transparency/note.h"

namespace tradewind {

struct Cosignature {
  std::uint64_t seconds = 0;  // POSIX time, below 2^63
  Bytes signature;            // Ed25519, 64 bytes
  friend bool operator==(const Cosignature&, const Cosignature&) = default;
};

// What is signed: "cosignature/v1\ntime <seconds>\n" and the note's text.
Bytes cosigned_text(std::uint64_t seconds, BytesView text);

// As it stands in a signature line behind the key id: the time in eight bytes, most significant
// first, then the signature.
Bytes format_cosignature(const Cosignature& cosignature);
// Fails with ErrorCode::invalid.
Result<Cosignature> parse_cosignature(BytesView bytes);

// Under a name that is_key_name takes; of type KeyType::cosignature. The key must serve no other
// purpose.
NoteSignature cosign_note(BytesView text, const std::string& name, const SigningKey& key,
                          std::uint64_t seconds);

}  // namespace tradewind
