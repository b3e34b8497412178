// A job as the log tells it. Public is what routing asks of it, and nothing else: no commands, no
// environment, no addresses, no names that a user gave. Those are the private part, which the log
// only commits to. Pure.
#pragma once

#include "broker/audit/json_read.h"
#include "broker/audit/json_text.h"
#include "schemas/job.h"

namespace tradewind {

// Members that have their defaults are left out.
void write(JsonText& out, std::string_view name, const JobSpec& spec);
// A job that is routed as the one written: an address is its scheme alone.
JobSpec read_spec(const JsonMembers& in);

// The private part.
void write_private(JsonText& out, const JobSpec& spec);

// Of replicas, as in jobs and data sets.
void write_replicas(JsonText& out, const std::vector<Replica>& replicas);
void write_private_replicas(JsonText& out, const std::vector<Replica>& replicas);

}  // namespace tradewind
