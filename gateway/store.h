// What a gateway must remember over restarts: what its admission holds, the members it knows, which
// record versions it has used up, and which checkpoints its witness cosigned. One RocksDB database,
// owned by one process; one thread. Every write is on disk when the call returns.
//
// Keys: "a/" and admission's own key; "m/" and a node's name -> its signed member record;
// "c/epoch" and "c/version" -> decimal numbers; "w/" and a log's origin -> the newest checkpoint of
// it that the site's witness cosigned; "p/POOL/CLASS" -> what was learnt of the pool's performance.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/admission/admission.h"
#include "gateway/performance/learnt_performance.h"
#include "schemas/ids.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/transparency/witness.h"

namespace rocksdb {
class DB;
}

namespace tradewind {

class Store {
 public:
  // Opens or makes the database, under a new epoch: `now` in milliseconds (a store that
  // was lost may be followed by a new one within the second), or more when it has had that. Fails
  // with `unavailable` when another process has it open or the disk fails, `corrupt` when it is not
  // ours.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& directory, Now now);
  // As it is at this moment, beside the process that has it open. Only for reading.
  static Result<std::unique_ptr<const Store>> look(const std::filesystem::path& directory);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // All of the writes or none.
  Status write_admission(const std::vector<StoreWrite>& writes);
  Result<std::vector<StoreWrite>> read_admission() const;

  // The newest record of each node, as gossip or the join accepted it.
  Status keep_member(const NodeId& node, const SignedRecord& record);
  Result<std::vector<SignedRecord>> members() const;

  // In place of the one before of the same origin.
  Status keep_witnessed(const WitnessedCheckpoint& checkpoint);
  Result<std::vector<WitnessedCheckpoint>> witnessed() const;

  // All of them or none, each in place of the one before.
  Status keep_learnt(const std::map<LearntClass, std::string>& learnt);
  Result<std::map<LearntClass, std::string>> learnt() const;

  // A version that no record of this node has had, nor will have: durable before it is given out.
  Result<RecordVersion> next_version();

 private:
  explicit Store(std::unique_ptr<rocksdb::DB> database);
  Status write_number(std::string_view key, std::uint64_t number);
  // Nothing stored: nothing in it.
  Result<std::optional<std::uint64_t>> read_number(std::string_view key) const;

  std::unique_ptr<rocksdb::DB> database_;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_ = 1;      // to be given out
  std::uint64_t reserved_ = 1;  // below it, all are given out or lost, as the disk knows
};

}  // namespace tradewind
