#include "broker/routing/need_table.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "broker/routing/adequacy.h"
#include "broker/routing/cost.h"
#include "schemas/assert.h"

namespace tradewind {

NeedTable::NeedTable(const RouteOptions& options) : options_(options) {}

const ShapeMatches& NeedTable::matches(const JobSpec& spec, const Variant& variant,
                                       const MarketColumns& columns) {
  const AcceleratorNeed& accelerator = variant.accelerator;
  std::uint64_t hash = fold(spec.resources.cpus, spec.resources.memory_mib);
  hash = fold(fold(hash, spec.resources.disk_mib), spec.resources.accelerators);
  for (const Architecture each : variant.architectures) {
    hash = fold(hash, static_cast<std::uint64_t>(each));
  }
  if (!accelerator.family.empty()) hash = fold(hash, accelerator.family);
  for (const std::string& each : accelerator.models) hash = fold(hash, each);
  hash = fold(hash, accelerator.memory_gib_min);

  Need* need = needs_.find(hash, [&](const Need& each) {
    return each.resources == spec.resources && each.architectures == variant.architectures &&
           each.accelerator == accelerator;
  });
  if (need == nullptr) {
    auto made = std::make_unique<Need>();
    made->resources = spec.resources;
    made->architectures = variant.architectures;
    made->accelerator = accelerator;
    need = &needs_.add(hash, std::move(made));
  } else if (need->structure == columns.structure()) {
    return need->matches;
  }
  find_matches(*need, columns);
  return need->matches;
}

void NeedTable::find_matches(Need& need, const MarketColumns& columns) const {
  JobSpec spec;
  spec.resources = need.resources;
  Variant variant;
  variant.architectures = need.architectures;
  variant.accelerator = need.accelerator;
  need.structure = columns.structure();
  need.matches = {};
  need.matches.places.assign(columns.shapes_count(), MarketColumns::none);
  for (std::uint32_t number = 0; number < columns.shapes_count(); ++number) {
    const PoolShape& shape = columns.shape(number);
    if (shape.pools_count == 0) continue;
    if (shape_miss(spec, variant, shape.sample, shape.units_node)) continue;
    const auto conversion = conversion_ppm(options_.rates, shape.sample.tariff.currency);
    if (!conversion) continue;
    const auto units = units_for(need.resources, shape.sample.unit);
    TRADEWIND_ASSERT(units.has_value());  // the shape fits
    __extension__ using Wide = unsigned __int128;
    const Wide weight =
        (Wide{*units} << 10) * static_cast<Wide>(*conversion) / static_cast<Wide>(ppm_one);
    const ShapeMatch match{
        number, *units, *conversion,
        static_cast<std::uint64_t>(std::min(weight, Wide{ShapeMatch::weight_max})),
        shape.billed_seconds};
    need.matches.places[number] = static_cast<std::uint32_t>(need.matches.shapes.size());
    need.matches.shapes.push_back(match);
    need.matches.weight_max = std::max(need.matches.weight_max, match.weight);
    need.matches.billed_seconds_max =
        std::max(need.matches.billed_seconds_max, match.billed_seconds);
  }
}

}  // namespace tradewind
