// Which blocked queues are worth a look when room opens at one place: an index from what their jobs
// lack to the first job of each, in its turn. Pure; one thread.
//
// Jobs of one tenant, priority and demand (demand_of in shape.h) stand in one lane, in order of
// age. They lack the same: room of some size in places of some kinds. Whether a place then really
// is adequate, at its price and in its time, is another's to say, job by job; where it has no room
// for one job of a lane, it has none for the others.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "broker/jobs/fair_order.h"
#include "broker/jobs/shape.h"
#include "schemas/assert.h"
#include "schemas/ids.h"

namespace tradewind {

// Kinds and sizes are the router's: a job that takes `size` in places of this kind.
struct Lack {
  std::uint32_t kind = 0;
  std::uint32_t size = 0;
  friend bool operator==(const Lack&, const Lack&) = default;
};

// What is free at one place: nothing larger fits. 0: nothing fits.
struct Opening {
  std::uint32_t kind = 0;
  std::uint32_t size_max = 0;
};

class WakeIndex {
  struct Lane;

 public:
  class Search;

  WakeIndex() = default;
  WakeIndex(const WakeIndex&) = delete;
  WakeIndex& operator=(const WakeIndex&) = delete;

  // Adds a queue's first job. `lacks` is called for what jobs of the demand lack, each kind once,
  // unless a lane of them is there.
  template <class Lacks>
  void insert(const Turn& turn, const Shape& demand, Lacks lacks) {
    std::shared_ptr<Lane>& lane = lanes_[{turn.tenant, turn.rank, demand}];
    if (!lane) lane = open_lane(lacks());
    change(turn, lane, [&] { return lane->ages.insert(turn.age).second; });
  }
  void erase(const Turn& turn, const Shape& demand);
  bool empty() const { return lanes_.empty(); }

 private:
  struct Lane {
    std::uint64_t number = 0;  // unlike any other's, ever
    std::vector<Lack> lacks;
    std::set<Age> ages;
  };
  struct LaneAt {
    Age age;  // of the lane's first
    std::shared_ptr<const Lane> lane;
    friend bool operator<(const LaneAt& a, const LaneAt& b) {
      return a.age != b.age ? a.age < b.age : a.lane->number < b.lane->number;
    }
  };
  using Lanes = std::set<LaneAt>;
  using Sizes = std::map<std::uint32_t, Lanes>;
  using Tenants = std::map<TenantId, Sizes>;

  std::shared_ptr<Lane> open_lane(std::vector<Lack> lacks);
  // Changes the ages of the turn's lane, and where the lane stands by its first.
  template <class Change>
  void change(const Turn& turn, const std::shared_ptr<Lane>& lane, Change change_ages);
  void show(const Turn& turn, const std::shared_ptr<Lane>& lane, const Age& first);
  void hide(const Turn& turn, const std::shared_ptr<Lane>& lane, const Age& first);

  std::map<std::tuple<TenantId, std::int64_t, Shape>, std::shared_ptr<Lane>> lanes_;
  std::map<std::uint32_t, std::map<std::int64_t, Tenants>> kinds_;  // by kind, then rank
  std::uint64_t lanes_opened_ = 0;
  std::uint64_t advanced_ = 0;  // times that a lane came to stand earlier than before
};

template <class Change>
void WakeIndex::change(const Turn& turn, const std::shared_ptr<Lane>& lane, Change change_ages) {
  const std::optional<Age> before =
      lane->ages.empty() ? std::nullopt : std::optional(*lane->ages.begin());
  const bool is_changed = change_ages();
  TRADEWIND_ASSERT(is_changed);
  const std::optional<Age> after =
      lane->ages.empty() ? std::nullopt : std::optional(*lane->ages.begin());
  if (before == after) return;
  if (before && after && *after < *before) ++advanced_;
  // Shown first, so that what stands around it stays.
  if (after) show(turn, lane, *after);
  if (before) hide(turn, lane, *before);
}

// The jobs that may fit into one opening, first come first in turn. The index may change meanwhile:
// what has gone is passed over. A job that comes is found if its turn is later than the last one
// told.
class WakeIndex::Search {
 public:
  // The index must outlive it.
  Search(const WakeIndex& index, Opening opening) : index_(&index), opening_(opening) {}

  std::uint32_t kind() const { return opening_.kind; }
  // So much is free there now, perhaps less than before.
  void shrink(std::uint32_t size_max) { opening_.size_max = size_max; }
  // The first that has not been passed over; null: there is none. The same again until it is passed
  // over or leaves the index. Valid until the next non-const call.
  const Turn* first(const FairOrder& order);
  // Not this one, which `first` told just now; with `all_alike`, none of its lane.
  void pass_over(bool all_alike);
  // What tenants hold may have become less since the last call of `first`.
  void refresh(const FairOrder& order);

 private:
  // Jobs of one size in order of age: the first of each lane; or all further ones of a lane of
  // which the first has been passed over.
  struct Stream {
    std::uint32_t size = 0;
    LaneAt at;
    bool within = false;  // the lane
  };
  struct TenantAt {
    TenantId tenant;
    std::int64_t held = 0;
    bool opened = false;
    std::vector<Stream> streams;  // a heap
  };
  static bool later(const Stream& a, const Stream& b) { return b.at < a.at; }
  static bool after(const TenantAt& a, const TenantAt& b);
  bool next_rank(const FairOrder& order);
  // All tenants of the rank whose smallest job may fit, none of them opened.
  void begin_rank(const Tenants& tenants, const FairOrder& order);
  // Beyond the first of the tenants' first stream. `whole_lane`: beyond all of its lane.
  void step(bool whole_lane);
  // Null when nothing of the rank, or of the tenant, is in the index any more.
  const Tenants* tenants_of_rank() const;
  const Sizes* sizes_of(const TenantId& tenant) const;
  void open(TenantAt& tenant) const;
  // What of the stream is at `at` or, `beyond` it, after it; nothing at its end.
  std::optional<LaneAt> find(const TenantId& tenant, const Stream& stream, bool beyond) const;
  // Moves a tenant's first stream there, or out of the heap when it is nothing.
  static void move_first(TenantAt& tenant, std::optional<LaneAt> to);
  // Changes the first of tenants_ and puts it where it then belongs, or out when nothing of it is
  // left.
  template <class Change>
  void change_first(Change change);

  const WakeIndex* index_;
  Opening opening_;
  bool begun_ = false;
  std::int64_t rank_ = 0;
  std::vector<TenantAt> tenants_;   // of that rank; a heap
  std::uint64_t advanced_ = 0;      // the index's when they were begun
  std::set<Age> passed_;            // of that rank
  std::set<std::uint64_t> closed_;  // numbers of lanes that have no room here
  Turn turn_;
};

}  // namespace tradewind
