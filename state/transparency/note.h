// Signed notes (C2SP signed-note): a text, an empty line, and a line for each signature. Any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schemas/result.h"
#include "state/identity/keys.h"
#include "state/transparency/verifier_key.h"

namespace tradewind {

struct NoteSignature {
  std::string name;  // of the key
  std::uint32_t key_id = 0;
  Bytes signature;  // as the key's type has it; 1 byte or more
  friend bool operator==(const NoteSignature&, const NoteSignature&) = default;
};

struct Note {
  Bytes text;  // ends with a newline; this is what is signed
  std::vector<NoteSignature> signatures;
  friend bool operator==(const Note&, const Note&) = default;
};

// "— name base64(key id || signature)\n".
Bytes format_signature_line(const NoteSignature& signature);
// The lines must be of a form that parse_note takes.
Bytes format_note(const Note& note);
// UTF-8 without control characters but newlines, 1 to limits::note_signatures_max signatures, at
// most limits::note_bytes_max. Fails with ErrorCode::invalid.
Result<Note> parse_note(BytesView bytes);

// Signs a text, under a name that is_key_name takes; of type ed25519.
NoteSignature sign_note(BytesView text, const std::string& name, const SigningKey& key);

struct VerifiedSignature {
  VerifierKey key;
  std::optional<std::uint64_t> cosigned_seconds;  // POSIX time; of a cosignature
};

// Which of the keys have signed, each once. Signatures by others are ignored. Fails with
// ErrorCode::unauthenticated when none has, or when a line that names one of the keys holds no
// signature by it.
Result<std::vector<VerifiedSignature>> verify_note(const Note& note,
                                                   std::span<const VerifierKey> keys);

}  // namespace tradewind
