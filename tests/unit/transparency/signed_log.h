// A log that was published at 3, 300 and 700 entries, and what it signs and asks of witnesses.
#pragma once

#include <string>
#include <vector>

#include "state/identity/keys.h"
#include "state/transparency/witness_request.h"
#include "tests/unit/transparency/memory_log.h"

namespace tradewind::testing {

struct SignedLog {
  explicit SignedLog(std::string name = "log.example/1") : origin(std::move(name)) {}

  Bytes checkpoint(const TreeHead& head) const {
    const Bytes text = format_checkpoint(Checkpoint{origin, head, {}});
    return format_note({text, {sign_note(text, origin, key)}});
  }
  std::vector<Hash> proof(std::uint64_t old_size, std::uint64_t size) const {
    TileHashes tree = log.store.tree(size);
    return prove_consistency(old_size, tree).value();
  }
  Bytes request(std::uint64_t old_size, const TreeHead& head) const {
    return format_witness_request({old_size, proof(old_size, head.size), checkpoint(head)});
  }
  Bytes request(std::uint64_t old_size, std::uint64_t size) const {
    return request(old_size, log.heads.at(size));
  }
  // Signed as well, of another tree.
  Bytes fork(std::uint64_t old_size, std::uint64_t size) const {
    return format_witness_request(
        {old_size, proof(old_size, size), checkpoint({size, Hash{1, 2, 3}})});
  }

  std::string origin;
  SigningKey key = SigningKey::generate();
  VerifierKey log_key{origin, KeyType::ed25519, key.public_key()};
  SampleLog log{{3, 300, 700}};
};

}  // namespace tradewind::testing
