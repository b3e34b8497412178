// The jobs of a clearing, grouped by what routing can tell apart, and what each group counts. Pure;
// integers only; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/routing/chooser.h"
#include "broker/routing/clearing.h"
#include "broker/routing/route.h"
#include "schemas/money.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

// A job of a class at one pool, in the best of its ways there.
struct ClassPlace {
  std::uint32_t pool = 0;      // its number in the columns
  std::uint32_t units = 0;     // on each node
  std::uint64_t reserved = 0;  // units over all nodes
  std::int64_t value = 0;      // what the job's objective makes least of; see Draft::value
  std::int64_t worth = 0;      // the same in micro-units
};

// Jobs that differ in nothing but their ids; job_class.h.
struct JobClass {
  const RouteRequest* request = nullptr;  // of its first job
  std::uint32_t kind = 0;
  std::vector<std::uint32_t> jobs;  // in waiting order
  std::uint32_t nodes = 1;
  std::int64_t weight = 0;         // by priority
  std::optional<ClassPlace> best;  // of a job alone; nothing: nothing is adequate
  MoneyPerHour second_rate{};      // what its seconds are worth; Objective::fastest
  std::uint64_t size = 0;          // of a job in what is made least; 0: nothing is adequate
};

// Classes that differ in their run times only; both are numbers of classes.
struct JobKind {
  std::uint32_t shortest = 0;
  std::uint32_t longest = 0;
};

class ClearingGroups {
 public:
  using Wide = ClearingValue::Wide;

  // Sizes and values beyond these count as these, so that sums of them fit.
  static constexpr Wide size_max = Wide{1} << 40;
  static constexpr std::int64_t worth_max = std::int64_t{1} << 50;

  // Finds the best place of each class in the columns of the chooser's view. Borrows all; the view
  // must not change as long as the groups are in use.
  ClearingGroups(Chooser& chooser, std::span<const RouteRequest> jobs, Wall::time_point now);

  std::span<const RouteRequest> jobs() const { return jobs_; }
  const std::vector<JobClass>& classes() const { return classes_; }
  const std::vector<JobKind>& kinds() const { return kinds_; }
  // The number of the job's class.
  std::uint32_t number_of(std::uint32_t job) const { return class_of_[job]; }
  const JobClass& class_of(std::uint32_t job) const { return classes_[class_of_[job]]; }

  ClassPlace place_of(const JobClass& each, const Chosen& chosen) const;
  // What a job reserves there, in CPUs or what counts as so many.
  Wide measure(const ClassPlace& place) const;
  // Micro-units that it counts not to place one job of the class.
  Wide reject_price(const JobClass& each) const;
  // The sum of all values if each job were alone.
  Wide least_alone() const;

 private:
  void find_classes(Chooser& chooser, Wall::time_point now);
  void find_sizes();

  const MarketColumns& columns_;
  const std::span<const RouteRequest> jobs_;
  std::vector<JobClass> classes_;
  std::vector<JobKind> kinds_;
  std::vector<std::uint32_t> class_of_;  // by job
  Wide reject_ = 0;                      // reject price of one of size and weight
};

}  // namespace tradewind
