#include "broker/routing/data_flows.h"

#include <array>
#include <string_view>
#include <utility>

#include "schemas/url.h"

namespace tradewind {
namespace {

// floor(bytes / 10^9 * 2^32), or a little less.
std::uint64_t gigabytes_least(std::uint64_t bytes) {
  constexpr std::uint64_t most = (std::uint64_t{1} << 44) - 1;
  return ((std::min(bytes, most) << 20) / 1'000'000'000) << 12;
}

Money plus(Money a, Money b) {
  return add(a, b).value_or(Money{INT64_MAX});
}

std::uint64_t seconds_ceil(std::uint64_t milliseconds) {
  return milliseconds / 1'000 + (milliseconds % 1'000 != 0 ? 1 : 0);
}

}  // namespace

bool DataFlows::plan(const JobSpec& spec, PathTable& paths) {
  spec_ = &spec;
  rows_.clear();
  input_rows_.clear();
  bounded_.clear();
  // Of the rows taken so far, each place once.
  std::size_t places = 0;
  std::array<const PathRow*, limits::places_per_job_indexed> known{};
  const auto row = [&](std::string_view site, std::string_view region,
                       bool leaving) -> const PathRow* {
    if (site.empty() && region.empty()) region = spec.home_region;
    for (std::size_t each = 0; each < places; ++each) {
      const PathRow& other = *known[each];
      if (other.leaving == leaving && other.site == site && other.region == region) return &other;
    }
    if (places == known.size()) return nullptr;
    return known[places++] = &paths.row(site, region, leaving);
  };
  const auto bound = [&](std::uint32_t first, std::uint64_t bytes, bool leaving) {
    if (bytes == 0 || bounded_.size() == limits::flows_bounded) return;
    bounded_.push_back(Bounded{first, static_cast<std::uint32_t>(rows_.size()),
                               gigabytes_least(bytes), bytes, leaving});
  };

  for (const Input& input : spec.inputs) {
    const auto first = static_cast<std::uint32_t>(rows_.size());
    input_rows_.push_back(first);
    if (!input.content.empty()) continue;
    bool everywhere = true;
    for (const Replica& each : input.replicas) {
      // A row is of use only for what comes over the network.
      const PathRow* found = nullptr;
      if (is_web_url(each.url)) {
        found = row(each.site, each.region, false);
        if (found == nullptr) return false;
      } else {
        everywhere = false;
      }
      rows_.push_back(found);
    }
    if (everywhere && !input.replicas.empty()) bound(first, input.size_bytes, false);
  }
  output_rows_ = static_cast<std::uint32_t>(rows_.size());
  for (const Output& output : spec.outputs) {
    const auto first = static_cast<std::uint32_t>(rows_.size());
    const PathRow* found = nullptr;
    if (is_web_url(output.url)) {
      found = row({}, output.region, true);
      if (found == nullptr) return false;
    }
    rows_.push_back(found);
    if (found != nullptr) bound(first, output.size_bytes, true);
  }
  find_nearest();
  return true;
}

void DataFlows::find_nearest() {
  cost_elsewhere_ = least_cost([](const PathRow& row) { return row.nearest_price; });
  nearest_sites_ = {};
  // The flow that being elsewhere makes dearest says who is near.
  std::uint64_t most = 0;
  for (const Bounded& each : bounded_) {
    const PathRow& row = *rows_[each.first];
    if (each.end - each.first != 1 || row.next_price == row.nearest_price) continue;
    const auto near = static_cast<std::uint64_t>(Wide{each.gigabytes} * row.nearest_price >> 32);
    const auto next = static_cast<std::uint64_t>(Wide{each.gigabytes} * row.next_price >> 32);
    if (next - near <= most) continue;
    most = next - near;
    nearest_sites_ = row.nearest_sites;
  }
  cost_elsewhere_ += most;
}

bool DataFlows::at(const MarketColumns& columns, std::uint32_t site, Transfer& transfer,
                   Sources sources) const {
  transfer = Transfer{};
  const SiteRecord& record = columns.site(site).view->record;
  std::uint64_t slowest_in = 0;
  for (std::size_t number = 0; number < spec_->inputs.size(); ++number) {
    const Input& input = spec_->inputs[number];
    std::uint32_t chosen = 0;
    if (input.content.empty()) {
      bool found = false;
      std::pair<Money, std::uint64_t> best;
      for (std::uint32_t index = 0; index < input.replicas.size(); ++index) {
        const PathRow* const row = rows_[input_rows_[number] + index];
        if (row == nullptr && !reachable(input.replicas[index], record)) continue;
        const Path way = row == nullptr ? local_path() : row->paths[site];
        const std::pair offer(transfer_cost(way, input.size_bytes),
                              transfer_milliseconds(way, input.size_bytes));
        if (found && offer >= best) continue;
        found = true;
        best = offer;
        chosen = index;
      }
      if (!found) return false;
      if (holds(record, input)) {
        best = {Money{}, transfer_milliseconds(local_path(), input.size_bytes)};
        if (sources == Sources::told) transfer.held.push_back(static_cast<std::uint32_t>(number));
      }
      transfer.data_in = plus(transfer.data_in, best.first);
      slowest_in = std::max(slowest_in, best.second);
    }
    if (sources == Sources::told) transfer.replicas.push_back(chosen);
  }
  transfer.stage_in_seconds = seconds_ceil(slowest_in);

  std::uint64_t slowest_out = 0;
  for (std::size_t number = 0; number < spec_->outputs.size(); ++number) {
    const PathRow* const row = rows_[output_rows_ + number];
    if (row == nullptr) continue;
    const std::uint64_t bytes = spec_->outputs[number].size_bytes;
    transfer.data_out = plus(transfer.data_out, transfer_cost(row->paths[site], bytes));
    slowest_out = std::max(slowest_out, transfer_milliseconds(row->paths[site], bytes));
  }
  transfer.stage_out_seconds = seconds_ceil(slowest_out);
  return true;
}

}  // namespace tradewind
