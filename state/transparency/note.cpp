#include "state/transparency/note.h"

#include <algorithm>

#include "schemas/utf8.h"
#include "state/identity/encoding.h"
#include "state/transparency/big_endian.h"
#include "state/transparency/cosignature.h"
#include "state/transparency/limits.h"
#include "state/transparency/line.h"

namespace tradewind {
namespace {

constexpr std::string_view kDash = "\u2014 ";

tl::unexpected<Error> no_note(std::string why) {
  return fail(ErrorCode::invalid, "note", std::move(why),
              "send the signed note whole, as its signer made it");
}

bool is_note_text(std::string_view text) {
  while (!text.empty()) {
    const auto point = take_code_point(text);
    if (!point || (*point < 0x20 && *point != '\n')) return false;
  }
  return true;
}

std::optional<NoteSignature> parse_signature_line(std::string_view line) {
  if (!line.starts_with(kDash)) return std::nullopt;
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_key_name(line.substr(0, space))) return std::nullopt;
  const auto payload = base64_decode("signature", line.substr(space + 1));
  if (!payload || payload->size() <= sizeof(NoteSignature::key_id)) return std::nullopt;
  return NoteSignature{std::string(line.substr(0, space)), read_big_endian<std::uint32_t>(*payload),
                       payload->substr(sizeof(NoteSignature::key_id))};
}

// The signature, when `key` made it over `text`.
std::optional<VerifiedSignature> verified(const NoteSignature& signature, BytesView text,
                                          const VerifierKey& key) {
  if (key.type == KeyType::cosignature) {
    const auto cosignature = parse_cosignature(signature.signature);
    if (!cosignature || !verify_signature(key.public_key, cosigned_text(cosignature->seconds, text),
                                          cosignature->signature)) {
      return std::nullopt;
    }
    return VerifiedSignature{key, cosignature->seconds};
  }
  if (!verify_signature(key.public_key, text, signature.signature)) return std::nullopt;
  return VerifiedSignature{key, std::nullopt};
}

}  // namespace

Bytes format_signature_line(const NoteSignature& signature) {
  Bytes payload;
  append_big_endian(payload, signature.key_id);
  payload += signature.signature;
  return Bytes(kDash) + signature.name + " " + base64_encode(payload) + "\n";
}

Bytes format_note(const Note& note) {
  Bytes bytes = note.text + "\n";
  for (const NoteSignature& each : note.signatures) bytes += format_signature_line(each);
  return bytes;
}

Result<Note> parse_note(BytesView bytes) {
  if (bytes.size() > limits::note_bytes_max) {
    return no_note(std::to_string(bytes.size()) + " bytes are over the limit of " +
                   std::to_string(limits::note_bytes_max));
  }
  if (!is_note_text(bytes)) {
    return no_note("is not UTF-8, or has control characters besides newlines");
  }
  const std::size_t split = bytes.rfind("\n\n");
  if (split == BytesView::npos) return no_note("no empty line stands before the signatures");
  Note note;
  note.text = bytes.substr(0, split + 1);
  BytesView rest = bytes.substr(split + 2);
  while (const auto line = take_line(rest)) {
    auto signature = parse_signature_line(*line);
    if (!signature || note.signatures.size() == limits::note_signatures_max) {
      return no_note("signature line " + std::to_string(note.signatures.size() + 1) +
                     (signature ? " is one too many"
                                : " is not an em dash, a key's name and base64 with spaces "
                                  "between"));
    }
    note.signatures.push_back(std::move(*signature));
  }
  if (!rest.empty()) return no_note("its last line does not end with a newline");
  if (note.signatures.empty()) return no_note("has no signature");
  return note;
}

NoteSignature sign_note(BytesView text, const std::string& name, const SigningKey& key) {
  const VerifierKey verifier{name, KeyType::ed25519, key.public_key()};
  return NoteSignature{name, key_id(verifier), key.sign(text)};
}

Result<std::vector<VerifiedSignature>> verify_note(const Note& note,
                                                   std::span<const VerifierKey> keys) {
  std::vector<VerifiedSignature> found;
  for (const VerifierKey& key : keys) {
    const std::uint32_t id = key_id(key);
    bool seen = false;
    for (const NoteSignature& each : note.signatures) {
      if (each.key_id != id || each.name != key.name) continue;
      auto good = verified(each, note.text, key);
      if (!good) {
        return fail(ErrorCode::unauthenticated, "note",
                    "a signature in the name of " + key.name + " is not by its key",
                    "get the note again; do not rely on this one");
      }
      if (!seen) found.push_back(std::move(*good));
      seen = true;
    }
  }
  if (found.empty()) {
    return fail(ErrorCode::unauthenticated, "note", "no known key has signed it",
                "check that the key given is that of this log");
  }
  return found;
}

}  // namespace tradewind
