#include "state/transparency/cosignature.h"

#include <limits>

#include "state/transparency/big_endian.h"

namespace tradewind {

Bytes cosigned_text(std::uint64_t seconds, BytesView text) {
  return "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + Bytes(text);
}

Bytes format_cosignature(const Cosignature& cosignature) {
  Bytes bytes;
  append_big_endian(bytes, cosignature.seconds);
  return bytes + cosignature.signature;
}

Result<Cosignature> parse_cosignature(BytesView bytes) {
  constexpr std::uint64_t seconds_max = std::numeric_limits<std::int64_t>::max();
  const auto refuse = [](std::string why) {
    return fail(ErrorCode::invalid, "cosignature", std::move(why),
                "ask the witness for its signature again");
  };
  if (bytes.size() != sizeof(std::uint64_t) + signature_bytes) {
    return refuse(std::to_string(bytes.size()) + " bytes are not a time and a signature, 72 bytes");
  }
  const auto seconds = read_big_endian<std::uint64_t>(bytes);
  if (seconds > seconds_max) return refuse("its time is over the limit of 2^63 - 1 seconds");
  return Cosignature{seconds, Bytes(bytes.substr(sizeof(std::uint64_t)))};
}

NoteSignature cosign_note(BytesView text, const std::string& name, const SigningKey& key,
                          std::uint64_t seconds) {
  const VerifierKey verifier{name, KeyType::cosignature, key.public_key()};
  return NoteSignature{name, key_id(verifier),
                       format_cosignature({seconds, key.sign(cosigned_text(seconds, text))})};
}

}  // namespace tradewind
