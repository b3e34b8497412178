// An attempt as a task for a TES 1.1 server, and what cannot be one. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "schemas/dispatch.h"
#include "schemas/result.h"
#include "schemas/site.h"

namespace tradewind {

// What a pool of the site is at the server.
struct TesPool {
  Pool pool;
  std::vector<std::string> zones;
  std::map<std::string, std::string> backend_parameters;  // sent with each task
};

struct TesForm {
  std::string image;        // of executors that name none; empty: they are refused
  std::string outputs_url;  // where outputs without a URL go, below it; empty: they are refused
};

// Marks a task as one of ours: the tag and its value, which also stands in the task's name.
inline constexpr const char* tes_tag = "tradewind_attempt";

// Whether the assignment can be said in TES at all. Errors name the field, as "inputs[0].content".
Status check_tes(const Assignment& assignment, const TesForm& form);

// The task's document. `key` is the attempt's own, for name, tag and, where the server has it,
// idempotency key; `parameters` are the backend parameters that the server knows, in lower case.
// The same arguments give the same bytes.
std::string tes_document(const std::string& key, const Assignment& assignment, const TesPool& pool,
                         const TesForm& form, const std::set<std::string>& parameters);

}  // namespace tradewind
