// A transparency log as an auditor reads it: from a broker, or from files that were exported.
// Nothing that it reads is believed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/cli/context.h"
#include "schemas/result.h"
#include "state/transparency/audit.h"
#include "state/transparency/checkpoint.h"

namespace tradewind::cli {

struct AuditOptions {
  std::string directory;               // of an export; empty: the broker
  std::string key;                     // the log's verifier key; empty: what the broker says it is
  std::vector<std::string> witnesses;  // verifier keys that must have cosigned
  std::string saved;                   // file with a checkpoint that was verified before
  std::string save;                    // file for the one that is verified now
  std::string trust;  // file of the federation's trust record, for signatures of market records
};

class AuditLog {
 public:
  static Result<std::unique_ptr<AuditLog>> open(const Context& context, AuditOptions options);

  const VerifierKey& key() const { return key_; }
  const AuditOptions& options() const { return options_; }
  // The newest checkpoint, with the log's signature and those of the witnesses verified.
  struct Newest {
    Bytes note;
    VerifiedCheckpoint verified;
  };
  Result<Newest> newest();
  // Of the file `saved`; the empty tree without one.
  Result<TreeHead> saved() const;
  Status save(BytesView note) const;

  TileReader tiles();
  BundleReader bundles();
  Result<Bytes> data(std::string_view sha256);
  Result<Bytes> opening(std::uint64_t index);
  HttpClient& client() { return client_; }

  // Verifies all from `known` on: hashes, tiles, root, and that each entry names its own index and
  // is not earlier than the one before. Shows each entry to `visit`, and how far it is to people.
  Status verify(const TreeHead& known, const TreeHead& head, const EntryVisitor& visit = {});

 private:
  AuditLog(const Context& context, AuditOptions options);
  Status learn_key();

  AuditOptions options_;
  HttpClient client_;
  VerifierKey key_;
  std::vector<VerifierKey> witnesses_;
};

}  // namespace tradewind::cli
