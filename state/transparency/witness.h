// A witness (C2SP tlog-witness): cosigns a log's checkpoint when it continues the one it cosigned
// before. A log that showed different trees to different people would need witnesses that forget.
// No I/O and no clock; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"
#include "state/transparency/checkpoint.h"

namespace tradewind {

// All that a witness must remember of one log. It carries the witness's own signature.
struct WitnessedCheckpoint {
  std::string origin;
  Bytes note;  // signed by the log and by the witness: what its monitoring path may serve once it
               // is stored
  friend bool operator==(const WitnessedCheckpoint&, const WitnessedCheckpoint&) = default;
};

// Where a witness serves what it saw last of a log: "<hex of SHA-256 of the origin>/checkpoint".
std::string monitoring_path(std::string_view origin);

class Witness {
 public:
  // As HTTP has it.
  struct Answer {
    int status = 0;
    std::string content_type;
    Bytes body;
    friend bool operator==(const Answer&, const Answer&) = default;
  };
  // The caller stores `persist` durably, in place of the one before with the same origin, before it
  // releases `answer`; when it cannot, it releases an error instead.
  struct Output {
    std::optional<WitnessedCheckpoint> persist;
    Answer answer;
  };

  // The key serves no other purpose; the name is one for is_key_name.
  Witness(std::string name, SigningKey key);

  // Takes checkpoints of the log that is named as this key is; several keys while a log changes its
  // own. Of type ed25519.
  void trust(const VerifierKey& log);
  // Takes none by this key any more. What it saw of the log stays.
  void distrust(const VerifierKey& log);
  // What was stored, before the first request. Fails with ErrorCode::corrupt when it is not a
  // checkpoint of that origin that this witness signed.
  Status restore(const WitnessedCheckpoint& stored);

  // Answers a request's body: 200 with the signature line to add to the checkpoint; 400 malformed,
  // or the old size is over the checkpoint's; 403 no good signature of the log's; 404 unknown log;
  // 409 the old size is not the one known here, which the body tells; 422 the proof fails.
  Output add_checkpoint(BytesView body, Wall::time_point now);

  const VerifierKey& verifier_key() const { return verifier_key_; }

 private:
  struct Seen {
    TreeHead head;
    std::uint64_t seconds = 0;  // of the last cosignature
  };

  SigningKey key_;
  VerifierKey verifier_key_;
  std::map<std::string, std::vector<VerifierKey>, std::less<>> logs_;
  std::map<std::string, Seen, std::less<>> seen_;
};

}  // namespace tradewind
