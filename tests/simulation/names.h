// Jobs by the names that a scenario gives them: j1, tasks j1.0, attempts j1#1. The real ids depend
// on where a submission comes to stand in a journal.
#pragma once

#include <map>
#include <string>

#include "schemas/ids.h"

namespace tradewind::simulation {

class Names {
 public:
  // From now on the id means this; an id whose submission was lost is used again.
  void call(const JobId& id, std::string name) { names_[id] = std::move(name); }

  std::string of(const JobId& job) const {
    const auto found = names_.find(job);
    if (found != names_.end()) return found->second;
    const std::size_t dash = job.value.rfind('-');
    const auto array = names_.find(JobId{job.value.substr(0, dash)});
    if (dash == std::string::npos || array == names_.end()) return job.value;
    return array->second + '.' + std::to_string(std::stoul(job.value.substr(dash + 1)));
  }
  std::string of(const AttemptId& attempt) const {
    return of(attempt.job) + '#' + std::to_string(attempt.number);
  }
  // Of a job or a task, what was called so: "j1" of j1 and j1.0.
  static std::string submission(const std::string& name) { return name.substr(0, name.find('.')); }

 private:
  std::map<JobId, std::string> names_;
};

}  // namespace tradewind::simulation
