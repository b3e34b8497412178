// Who is asked to cosign the log's checkpoints before they are shown.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/checkpoint.h"
#include "state/transparency/note.h"

namespace tradewind {

// The hashes that prove that the tree with `old_size` leaves begins the checkpoint's.
using ConsistencyProver = std::function<Result<std::vector<Hash>>(std::uint64_t old_size)>;

struct Cosigned {
  std::vector<NoteSignature> signatures;  // verified ones, each by another witness of the policy
  bool quorum = true;                     // whether they are as many as the policy asks for
  std::vector<std::string> missing;       // witnesses of the policy that did not cosign, and why
};

class Cosigners {
 public:
  virtual ~Cosigners() = default;
  // Asks all witnesses about a checkpoint that the log has just signed, and returns as soon as the
  // policy's quorum has cosigned or the time for that is over. One thread calls it.
  virtual Cosigned gather(const Checkpoint& checkpoint, BytesView signed_note,
                          const ConsistencyProver& prove) = 0;
};

}  // namespace tradewind
