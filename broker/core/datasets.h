// The data sets of the federation, folded from the journal, and what they put into jobs. Pure; one
// thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/core/service.h"
#include "schemas/dataset.h"
#include "schemas/journal.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// Parts of the path of a file: replica; so many folders above a job's file are looked at.
inline constexpr std::size_t dataset_path_parts_max = 32;

// Whether the tenant may name the data set and see it: its own, or one shared with it.
bool may_read(const Dataset& dataset, const TenantId& tenant);

class Datasets {
 public:
  struct Change {
    Entry entry;        // already applied; to be made durable
    Dataset dataset;    // as it is now, or was
    bool made = false;  // it is a new one
  };

  // Folds one entry: DatasetChanged; others are of no interest. Used at start and after each
  // change.
  void apply(const Entry& entry);

  // Makes the data set, or describes it anew: its owner stays who it was. Fails when the name is
  // another tenant's, when a new one has no owner, and at limits::datasets_max and
  // limits::datasets_per_tenant_max. What is in it has been checked.
  Result<Change> put(Dataset dataset, const DatasetActor& actor, Wall::time_point at);
  // Jobs that have named it keep what it gave them.
  Result<Change> remove(const std::string& name, const DatasetActor& actor, Wall::time_point at);

  // Fails with not_found where the actor may not see it.
  Result<Dataset> find(const std::string& name, const DatasetActor& actor) const;
  // Those that the actor may see, in order of name, after the name `after`.
  DatasetPage list(const DatasetActor& actor, const std::string& after, std::size_t limit) const;

  // Null where there is no data set of that name.
  const TenantId* owner(const std::string& name) const;

  // Puts into each input that names a data set what that one says, and binds each input by the
  // residency of the data set it names and of every one, whoever owns it, that has a replica at one
  // of its URLs, or, of file: URLs, in a folder that holds the other: where the job names no
  // jurisdictions those of the data sets hold, and those that it names must be among them. Fails
  // naming the input's field; the spec is then in no state to use.
  Status bind(JobSpec& spec, const TenantId& tenant) const;

 private:
  void add_urls(const Dataset& dataset);
  void remove_urls(const Dataset& dataset);
  // The names of those that bind the input: of its own and of its URLs. Goes through at most
  // `folders_left` data sets that folders hold, and takes them off; 0 afterwards: there are more.
  std::set<std::string> binding(const Input& input, std::size_t& folders_left) const;
  Status bind_residency(Input& input, const std::string& path, std::size_t& folders_left) const;

  std::map<std::string, Dataset> datasets_;
  std::map<TenantId, std::size_t> counts_;
  // By url_key of each replica: the names of the data sets. Only those with a residency bind.
  std::map<std::string, std::set<std::string>, std::less<>> by_url_;
};

}  // namespace tradewind
