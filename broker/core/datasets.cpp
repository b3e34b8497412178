#include "broker/core/datasets.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/core/url_key.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

constexpr std::string_view kFile = "file:";
// Data sets in the folders that one job names; each is looked at while other jobs wait.
constexpr std::size_t kInFoldersMax = 10'000;

Error missing(std::string field, const std::string& name) {
  return Error{ErrorCode::not_found, std::move(field),
               "there is no data set \"" + name.substr(0, 64) + "\" that you may use",
               "list the data sets to see their names"};
}

bool contains(const std::vector<Jurisdiction>& list, const Jurisdiction& each) {
  return std::ranges::find(list, each) != list.end();
}

std::string joined(const std::vector<Jurisdiction>& list) {
  std::string text;
  for (std::size_t i = 0; i < list.size() && i < 8; ++i) {
    text += (i == 0 ? "" : " or ") + list[i].value;
  }
  return list.size() > 8 ? text + " or others" : text;
}

// About what these take in a message.
std::size_t filled_bytes(const Input& input) {
  constexpr std::size_t per_text = 16;
  std::size_t bytes = 0;
  if (!input.dataset.empty()) {
    for (const Replica& each : input.replicas) {
      bytes += each.url.size() + each.site.size() + each.region.size() + 3 * per_text;
    }
  }
  if (input.residency_bound) bytes += input.residency.size() * per_text;
  return bytes;
}

}  // namespace

bool may_read(const Dataset& dataset, const TenantId& tenant) {
  return dataset.owner == tenant || dataset.shared_with_all ||
         std::ranges::find(dataset.shared_with, tenant) != dataset.shared_with.end();
}

void Datasets::apply(const Entry& entry) {
  const auto* changed = std::get_if<DatasetChanged>(&entry.body);
  if (changed == nullptr) return;
  if (const auto held = datasets_.find(changed->name); held != datasets_.end()) {
    remove_urls(held->second);
    if (--counts_[held->second.owner] == 0) counts_.erase(held->second.owner);
    datasets_.erase(held);
  }
  if (!changed->dataset) return;
  add_urls(*changed->dataset);
  ++counts_[changed->dataset->owner];
  datasets_.emplace(changed->name, *changed->dataset);
}

void Datasets::add_urls(const Dataset& dataset) {
  if (dataset.residency.empty()) return;
  for (const Replica& each : dataset.replicas) by_url_[url_key(each.url)].insert(dataset.name);
}

void Datasets::remove_urls(const Dataset& dataset) {
  if (dataset.residency.empty()) return;
  for (const Replica& each : dataset.replicas) {
    const auto at = by_url_.find(url_key(each.url));
    if (at == by_url_.end()) continue;  // a URL that the data set lists twice
    at->second.erase(dataset.name);
    if (at->second.empty()) by_url_.erase(at);
  }
}

Result<Datasets::Change> Datasets::put(Dataset dataset, const DatasetActor& actor,
                                       Wall::time_point at) {
  const auto held = datasets_.find(dataset.name);
  Change change;
  change.made = held == datasets_.end();
  if (!change.made) {
    if (!actor.any && held->second.owner != actor.tenant) {
      return fail(ErrorCode::conflict, "name",
                  "\"" + dataset.name + "\" is the name of another tenant's data set",
                  "choose another name");
    }
    dataset.owner = held->second.owner;
  } else {
    dataset.owner = actor.tenant;
    if (dataset.owner.value.empty()) {
      return fail(ErrorCode::forbidden, "name",
                  "a new data set needs an owner, and the token is of no tenant",
                  "make it with a token of the tenant that shall own it");
    }
    if (datasets_.size() >= limits::datasets_max) {
      return fail(ErrorCode::exhausted, "name",
                  fmt::format("there are {} data sets already", limits::datasets_max),
                  "remove some that nobody uses");
    }
    const auto count = counts_.find(dataset.owner);
    if (count != counts_.end() && count->second >= limits::datasets_per_tenant_max) {
      return fail(
          ErrorCode::exhausted, "name",
          fmt::format("the tenant has {} data sets already", limits::datasets_per_tenant_max),
          "remove some that nobody uses");
    }
  }
  change.dataset = dataset;
  change.entry =
      Entry{at, DatasetChanged{change.dataset.name, actor.principal, std::move(dataset)}};
  apply(change.entry);
  return change;
}

Result<Datasets::Change> Datasets::remove(const std::string& name, const DatasetActor& actor,
                                          Wall::time_point at) {
  auto held = find(name, actor);
  if (!held) return fail(std::move(held.error()));
  if (!actor.any && held->owner != actor.tenant) {
    return fail(ErrorCode::forbidden, "name",
                "\"" + name + "\" is shared with you, but another tenant's",
                "ask its owner, " + held->owner.value);
  }
  Change change;
  change.dataset = std::move(*held);
  change.entry = Entry{at, DatasetChanged{name, actor.principal, std::nullopt}};
  apply(change.entry);
  return change;
}

Result<Dataset> Datasets::find(const std::string& name, const DatasetActor& actor) const {
  const auto held = datasets_.find(name);
  if (held == datasets_.end() || (!actor.any && !may_read(held->second, actor.tenant))) {
    return fail(missing("name", name));
  }
  return held->second;
}

DatasetPage Datasets::list(const DatasetActor& actor, const std::string& after,
                           std::size_t limit) const {
  DatasetPage page;
  for (auto each = datasets_.upper_bound(after); each != datasets_.end(); ++each) {
    if (!actor.any && !may_read(each->second, actor.tenant)) continue;
    if (page.datasets.size() == limit) {
      page.more = true;
      break;
    }
    page.datasets.push_back(each->second);
  }
  return page;
}

std::set<std::string> Datasets::binding(const Input& input, std::size_t& folders_left) const {
  std::set<std::string> names;
  if (!input.dataset.empty()) names.insert(input.dataset);
  if (!input.content.empty()) return names;
  const auto add = [&](std::string_view key) {
    const auto found = by_url_.find(key);
    if (found != by_url_.end()) names.insert(found->second.begin(), found->second.end());
  };
  for (const Replica& each : input.replicas) {
    const std::string key = url_key(each.url);
    add(key);
    const std::string_view bare = without_query(key);
    if (bare.size() < key.size()) add(bare);
    if (!key.starts_with(kFile)) continue;
    std::size_t parts = 0;
    for (auto slash = key.find('/', kFile.size() + 1);
         slash != std::string::npos && parts < dataset_path_parts_max;
         slash = key.find('/', slash + 1)) {
      add(std::string_view(key).substr(0, slash));
      ++parts;
    }
    if (input.type != FileType::directory) continue;
    const std::string inside = key.ends_with('/') ? key : key + "/";
    for (auto held = by_url_.lower_bound(inside);
         folders_left > 0 && held != by_url_.end() && held->first.starts_with(inside); ++held) {
      names.insert(held->second.begin(), held->second.end());
      folders_left -= std::min(folders_left, held->second.size());
    }
  }
  return names;
}

Status Datasets::bind_residency(Input& input, const std::string& path,
                                std::size_t& folders_left) const {
  std::optional<std::vector<Jurisdiction>> allowed;
  const std::set<std::string> names = binding(input, folders_left);
  if (folders_left == 0) {
    return fail(ErrorCode::too_large, path + "type",
                fmt::format("the job's folders hold {} data sets or more", kInFoldersMax),
                "name smaller folders, or files");
  }
  for (const std::string& name : names) {
    const std::vector<Jurisdiction>& residency = datasets_.at(name).residency;
    if (residency.empty()) continue;
    if (!allowed) {
      allowed = residency;
    } else {
      std::erase_if(*allowed, [&](const Jurisdiction& each) { return !contains(residency, each); });
    }
  }
  if (!allowed) return ok();
  if (allowed->empty()) {
    return fail(ErrorCode::invalid, path + (input.dataset.empty() ? "replicas" : "dataset"),
                "several data sets hold this data, and no jurisdiction is allowed by all of them",
                "ask their owners where it may be processed");
  }
  if (input.residency.empty()) {
    input.residency = std::move(*allowed);
    input.residency_bound = true;
    return ok();
  }
  for (std::size_t i = 0; i < input.residency.size(); ++i) {
    if (contains(*allowed, input.residency[i])) continue;
    return fail(ErrorCode::invalid, fmt::format("{}residency[{}]", path, i),
                fmt::format("\"{}\" is not where this data may be processed: the data set says {}",
                            input.residency[i].value, joined(*allowed)),
                "name some of these, or leave residency out");
  }
  return ok();
}

const TenantId* Datasets::owner(const std::string& name) const {
  const auto held = datasets_.find(name);
  return held == datasets_.end() ? nullptr : &held->second.owner;
}

Status Datasets::bind(JobSpec& spec, const TenantId& tenant) const {
  std::size_t bytes = 0;
  std::size_t folders_left = kInFoldersMax;
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    Input& input = spec.inputs[i];
    if (input.dataset.empty() && by_url_.empty()) continue;
    const std::string path = fmt::format("inputs[{}].", i);
    if (!input.dataset.empty()) {
      const auto held = datasets_.find(input.dataset);
      if (held == datasets_.end() || !may_read(held->second, tenant)) {
        return fail(missing(path + "dataset", input.dataset));
      }
      input.replicas = held->second.replicas;
      input.size_bytes = held->second.size_bytes;
      input.sha256 = held->second.sha256;
    }
    if (const Status bound = bind_residency(input, path, folders_left); !bound) return bound;
    bytes += filled_bytes(input);
    if (bytes > limits::dataset_fill_bytes_max) {
      return fail(ErrorCode::too_large, path + "dataset",
                  fmt::format("with this one, the data sets put {} bytes into the job", bytes),
                  fmt::format("use data sets with fewer or shorter URLs: at most {} bytes in all",
                              limits::dataset_fill_bytes_max));
    }
  }
  return ok();
}

}  // namespace tradewind
