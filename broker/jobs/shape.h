// What of a job routing looks at, as one key: jobs of one shape find the same places.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "schemas/ids.h"
#include "schemas/job.h"

namespace tradewind {

// A hash of 128 bits; equal keys of different jobs do not happen in practice, and would only let
// one job wait for the other's retry.
struct Shape {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Shape&, const Shape&) = default;
  friend bool operator==(const Shape&, const Shape&) = default;
};
struct ShapeHash {
  std::size_t operator()(const Shape& shape) const { return shape.low; }
};

Shape shape_of(const TenantId& tenant, const JobSpec& spec);
// What of a job decides by itself, whatever it costs and however long it takes, which places have
// room for it: resources, nodes, the machines that its variants want, and the constraints on place,
// label, carbon, latency and data residency.
Shape demand_of(const JobSpec& spec);
// A shape of this job alone: what it may be given differs from the others for now.
Shape shape_alone(const Shape& shape, const JobId& job);

}  // namespace tradewind
