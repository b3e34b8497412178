// A data set: a named, owned description of data that jobs read, kept by the broker. Where it may
// be processed binds every job that uses it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/ids.h"
#include "schemas/job.h"

namespace tradewind {

struct Dataset {
  std::string name;  // one in the whole federation; of the form of check_name
  TenantId owner;
  std::vector<Replica> replicas;        // 1 to limits::replicas_max
  std::uint64_t size_bytes = 0;         // as stated
  std::string sha256;                   // lower-case hex; empty: unknown
  std::vector<Jurisdiction> residency;  // where it may be processed; empty: anywhere
  std::vector<TenantId> shared_with;    // who may name it and see it besides the owner
  bool shared_with_all = false;
  friend bool operator==(const Dataset&, const Dataset&) = default;
};

}  // namespace tradewind
