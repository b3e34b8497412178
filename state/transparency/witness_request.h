// What a log asks of a witness (C2SP tlog-witness, add-checkpoint): a checkpoint, and the proof
// that it continues the one that the witness saw last.
#pragma once

#include <cstdint>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/hash.h"

namespace tradewind {

struct WitnessRequest {
  std::uint64_t old_size = 0;  // of the checkpoint that the witness saw last
  std::vector<Hash> proof;     // of consistency, from old_size to the checkpoint's
  Bytes checkpoint;            // signed by the log
  friend bool operator==(const WitnessRequest&, const WitnessRequest&) = default;
};

Bytes format_witness_request(const WitnessRequest& request);
// Strict but for the checkpoint, which is taken as it stands. Fails with ErrorCode::invalid.
Result<WitnessRequest> parse_witness_request(BytesView body);

}  // namespace tradewind
