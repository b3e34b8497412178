#include "gateway/performance/learnt_performance.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "schemas/assert.h"
#include "schemas/limits.h"
#include "schemas/money.h"

namespace tradewind {
namespace {

constexpr std::string_view form = "performance 1";

template <class Samples>
std::int64_t lower_median(const Samples& samples) {
  std::vector<std::int64_t> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  return sorted[(sorted.size() - 1) / 2];
}

std::int64_t sample_ppm(std::uint64_t work_seconds, std::uint64_t run_milliseconds) {
  const auto work = static_cast<std::int64_t>(std::min(work_seconds, limits::seconds_max));
  const auto ppm = mul_div_ceil(work, 1'000 * ppm_one, static_cast<std::int64_t>(run_milliseconds));
  return std::clamp<std::int64_t>(ppm.value_or(limits::performance_ppm_max), 1,
                                  limits::performance_ppm_max);
}

// The words of a line, and the lines of a text.
std::vector<std::string_view> parts(std::string_view text, char between) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(between), text.size());
    all.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

template <class Number>
bool read_number(std::string_view text, Number least, Number most, Number& number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() && number >= least &&
         number <= most;
}

}  // namespace

void LearntPerformance::learn(const std::map<LearntClass, std::int64_t>& starts) {
  std::map<LearntClass, Learning> classes;
  for (const auto& [learnt, start_ppm] : starts) {
    TRADEWIND_ASSERT(start_ppm >= 1 && start_ppm <= limits::performance_ppm_max);
    const auto before = classes_.find(learnt);
    Learning& learning = classes[learnt];
    if (before != classes_.end() && before->second.start_ppm == start_ppm) {
      learning = std::move(before->second);
    } else {
      learning.start_ppm = learning.ppm = start_ppm;
    }
  }
  classes_ = std::move(classes);
}

std::optional<LearntClass> LearntPerformance::ended(const Assignment& assignment,
                                                    const EndReport& report) {
  if (report.code != EndCode::succeeded || assignment.work_seconds == 0) return std::nullopt;
  const auto run = std::chrono::duration_cast<std::chrono::milliseconds>(report.usage.ended -
                                                                         report.usage.started)
                       .count();
  if (run < static_cast<std::int64_t>(run_milliseconds_min)) return std::nullopt;
  const LearntClass learnt{assignment.pool, assignment.workload_class};
  const auto found = classes_.find(learnt);
  if (found == classes_.end()) return std::nullopt;
  Learning& learning = found->second;
  add(learning, assignment.tenant,
      sample_ppm(assignment.work_seconds, static_cast<std::uint64_t>(run)));
  ++learning.successes;
  if (++learning.since_step >= step_samples) step(learning);
  return learnt;
}

void LearntPerformance::add(Learning& learning, const TenantId& tenant, std::int64_t ppm) {
  Tenant heard{tenant, {}};
  const auto known = std::ranges::find(learning.tenants, tenant, &Tenant::tenant);
  if (known != learning.tenants.end()) {
    heard = std::move(*known);
    learning.tenants.erase(known);
  } else if (learning.tenants.size() == tenants_max) {
    learning.tenants.erase(learning.tenants.begin());
  }
  heard.ppm.push_back(ppm);
  if (heard.ppm.size() > samples_per_tenant_max) heard.ppm.pop_front();
  learning.tenants.push_back(std::move(heard));
}

// The lower median of the tenants' lower medians, as far as a step reaches.
void LearntPerformance::step(Learning& learning) {
  learning.since_step = 0;
  std::vector<std::int64_t> medians;
  for (const Tenant& each : learning.tenants) medians.push_back(lower_median(each.ppm));
  const std::int64_t most = std::max<std::int64_t>(learning.ppm / step_part, 1);
  const std::int64_t ppm =
      std::clamp(lower_median(medians), learning.ppm - most, learning.ppm + most);
  learning.ppm = std::clamp(ppm, std::max<std::int64_t>(learning.start_ppm / range, 1),
                            std::min(learning.start_ppm * range, limits::performance_ppm_max));
}

std::map<LearntClass, LearntPerformance::Factor> LearntPerformance::factors() const {
  std::map<LearntClass, Factor> factors;
  for (const auto& [learnt, learning] : classes_) {
    factors[learnt] = {learning.start_ppm, learning.ppm, learning.successes,
                       learning.tenants.size()};
  }
  return factors;
}

// "performance 1", then start, factor, successes and those since the last step; then a line for
// each tenant: its name and its samples.
std::string LearntPerformance::encode(const LearntClass& learnt) const {
  const auto found = classes_.find(learnt);
  TRADEWIND_ASSERT(found != classes_.end());
  const Learning& learning = found->second;
  std::string text(form);
  text += "\n" + std::to_string(learning.start_ppm) + " " + std::to_string(learning.ppm) + " " +
          std::to_string(learning.successes) + " " + std::to_string(learning.since_step) + "\n";
  for (const Tenant& each : learning.tenants) {
    text += each.tenant.value;
    for (const std::int64_t ppm : each.ppm) text += " " + std::to_string(ppm);
    text += "\n";
  }
  return text;
}

Status LearntPerformance::restore(const LearntClass& learnt, std::string_view text) {
  const auto found = classes_.find(learnt);
  if (found == classes_.end()) return ok();
  const auto corrupt = [&](std::string_view what) {
    return fail(ErrorCode::corrupt, "performance",
                "what was learnt of " + learnt.first.value + "'s " + learnt.second +
                    " cannot be read: " + std::string(what),
                "nothing: it is learnt anew");
  };
  const std::vector<std::string_view> lines = parts(text, '\n');
  if (lines.size() < 2 || lines.size() > 2 + tenants_max || lines[0] != form) {
    return corrupt("its form");
  }
  const std::vector<std::string_view> head = parts(lines[1], ' ');
  Learning learning;
  constexpr std::int64_t most = limits::performance_ppm_max;
  if (head.size() != 4 || !read_number<std::int64_t>(head[0], 1, most, learning.start_ppm) ||
      !read_number<std::int64_t>(head[1], 1, most, learning.ppm) ||
      !read_number<std::uint64_t>(head[2], 0, UINT64_MAX, learning.successes) ||
      !read_number<std::uint32_t>(head[3], 0, step_samples - 1, learning.since_step)) {
    return corrupt("its numbers");
  }
  if (learning.start_ppm != found->second.start_ppm) return ok();
  if (learning.ppm < learning.start_ppm / range || learning.ppm / range > learning.start_ppm) {
    return corrupt("its factor");
  }
  for (std::size_t line = 2; line < lines.size(); ++line) {
    const std::vector<std::string_view> words = parts(lines[line], ' ');
    if (words.size() < 2 || words.size() > 1 + samples_per_tenant_max ||
        !check_name("tenant", words[0])) {
      return corrupt("a tenant");
    }
    Tenant tenant{TenantId{std::string(words[0])}, {}};
    if (std::ranges::find(learning.tenants, tenant.tenant, &Tenant::tenant) !=
        learning.tenants.end()) {
      return corrupt("a tenant's second line");
    }
    for (std::size_t each = 1; each < words.size(); ++each) {
      if (!read_number<std::int64_t>(words[each], 1, most, tenant.ppm.emplace_back())) {
        return corrupt("a sample");
      }
    }
    learning.tenants.push_back(std::move(tenant));
  }
  found->second = std::move(learning);
  return ok();
}

}  // namespace tradewind
