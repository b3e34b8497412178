// Whose turn it is among jobs that wait: the higher priority; then the tenant that holds least now;
// then the job submitted earlier; then the lower id. What a tenant holds changes with each job that
// goes and each that ends, and the order with it. Pure; one thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "broker/jobs/job_number.h"
#include "schemas/ids.h"
#include "schemas/time.h"

namespace tradewind {

// Of jobs of one tenant and priority, which goes first.
struct Age {
  Wall::time_point submitted{};
  JobNumber job;
  friend auto operator<=>(const Age&, const Age&) = default;
  friend bool operator==(const Age&, const Age&) = default;
};

struct Turn {
  std::int64_t rank = 0;  // minus the priority
  TenantId tenant;
  Age age;
  friend bool operator==(const Turn&, const Turn&) = default;
};

class FairOrder {
 public:
  // A place in the order as things stand.
  using Key = std::tuple<std::int64_t, std::int64_t, Age>;

  // The tenant holds so much more; less, when it is negative. Any whole unit of which the sums fit
  // into 63 bits.
  void hold(const TenantId& tenant, std::int64_t weight);
  std::int64_t held(const TenantId& tenant) const;
  Key key(const Turn& turn) const { return {turn.rank, held(turn.tenant), turn.age}; }

  // Turns to choose the first from; each at most once.
  void insert(const Turn& turn);
  void erase(const Turn& turn);
  bool empty() const { return order_.empty(); }
  // There must be one.
  Turn first() const;

 private:
  struct Standing {
    std::int64_t held = 0;
    std::map<std::int64_t, std::set<Age>> turns;  // by rank; never an empty set
  };
  struct Place {
    Key key;
    TenantId tenant;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  static Place place(const Standing& standing, std::int64_t rank, const TenantId& tenant);
  void forget_idle(const TenantId& tenant);

  std::map<TenantId, Standing> tenants_;  // those that hold or wait
  std::set<Place> order_;                 // the first turn of each tenant and rank
};

}  // namespace tradewind
