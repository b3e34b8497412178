// What must hold for the parts of a job, whichever document they came from. Errors name the field
// by the path that the caller gives.
#pragma once

#include <string>
#include <string_view>

#include "schemas/job.h"
#include "schemas/result.h"

namespace tradewind {

// What a job gets that says nothing else.
inline constexpr std::uint32_t cpus_default = 1;
inline constexpr std::uint64_t memory_mib_default = 2'048;

inline constexpr std::size_t arguments_max = 4'096;                  // of one command
inline constexpr std::size_t argument_bytes_max = 128 * 1024;        // Linux takes no longer one
inline constexpr std::size_t env_value_bytes_max = 32 * 1024;        // of one variable
inline constexpr std::uint32_t cpus_max = 4'096;                     // of one node
inline constexpr std::uint64_t gib_max = 1'048'576;                  // of memory or disk, one node
inline constexpr std::uint64_t size_bytes_max = 1ULL << 60;          // of one file
inline constexpr std::uint32_t accelerators_max = 1'024;             // of one node
inline constexpr std::uint32_t accelerator_memory_gib_max = 65'536;  // of one device

// Absolute, without "." and ".." parts and control characters.
Status check_path(const std::string& field, std::string_view path);
// file:, http: or https:, without spaces and control characters; http and https with a host.
Status check_url(const std::string& field, std::string_view url);
// 64 lower-case hexadecimal digits.
Status check_sha256(const std::string& field, std::string_view digest);

Status check_executor(const std::string& path, const Executor& executor);
// A replica's URL and place.
Status check_replica(const std::string& path, const Replica& replica);
// Content, replicas or a data set, and what each must be. A single replica is called "url" in
// errors.
Status check_input(const std::string& path, const Input& input);
Status check_output(const std::string& path, const Output& output);
// What the parts must be to each other: unique names and paths, accelerators with a count,
// executors in every variant.
Status check_whole(const JobSpec& spec);

}  // namespace tradewind
