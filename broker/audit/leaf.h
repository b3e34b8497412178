// What the transparency log says of an entry of the journal: one CloudEvents 1.0 JSON object, the
// leaf. Entry n of the journal is leaf n - 1 of the log. Pure; any thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/ids.h"
#include "schemas/journal.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/digest.h"

namespace tradewind {

// By what entries are found. Read from the leaf alone, so an index can always be built anew.
struct LeafKeys {
  std::string type;             // "org.tradewind.job.decided"
  Wall::time_point recorded{};  // never earlier than that of the leaf before
  std::string
      job;  // empty where there is none; likewise below. Of a task of an array: the task's id
  std::string attempt;  // "j0000000000001#2"
  std::string tenant;   // pseudonym; only in leaves about a submission
  std::string site;
  std::string reason;  // reason code, refusal code or end state
  friend bool operator==(const LeafKeys&, const LeafKeys&) = default;
};
struct Leaf {
  // The leaf's exact bytes, at most limits::leaf_bytes_max.
  Bytes event;
  // The event's data, when it is too large to stand in the event: a JSON document that is kept
  // beside the log under its SHA-256, which the event's `dataref` and `datasha256` name.
  std::optional<Bytes> data{};
  // What leaf_keys() reads from the event; nothing when it is no leaf.
  std::optional<LeafKeys> keys{};
};

// Fails with ErrorCode::invalid when the bytes are no leaf.
Result<LeafKeys> leaf_keys(BytesView event);

class LeafWriter {
 public:
  // `source` names the federation; the secret makes pseudonyms and salts, and must be kept: whoever
  // has it can open what the leaves commit to.
  LeafWriter(std::string source, BytesView secret);

  Leaf write(Sequence sequence, const Entry& entry) const;
  // The private values of the entry and their salts, a JSON object: with it the commitments in the
  // leaf can be checked. Nothing when the leaf commits to nothing.
  std::optional<Bytes> opening(Sequence sequence, const Entry& entry) const;
  // By which name the log knows a tenant.
  std::string pseudonym(const TenantId& tenant) const;

 private:
  Bytes salt_of(Sequence sequence, std::string_view field) const;

  // Most entries that follow each other are of one tenant.
  struct Newest {
    std::mutex mutex;
    std::string tenant;
    std::string pseudonym;
  };
  std::string source_;
  HmacSha256 hmac_;  // under the secret
  std::unique_ptr<Newest> newest_ = std::make_unique<Newest>();
};

}  // namespace tradewind
