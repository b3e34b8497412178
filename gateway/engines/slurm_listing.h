// What squeue, sacct and scontrol print of jobs and nodes, read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/slurm_records.h"

namespace tradewind {

// For squeue's --format, with SLURM_TIME_FORMAT=%s. A line of its output begins with `mark`: a word
// that nobody could know before, since users put into comments what they like, also whole lines.
std::string squeue_format(std::string_view mark);

// Lines that are not of the shape are left out. Jobs of users other than `user` have no key.
std::vector<SlurmJob> read_squeue(std::string_view text, std::string_view mark,
                                  std::string_view user);

// For sacct's --format, with --parsable2 and --noconvert, and SLURM_TIME_FORMAT=%s.
inline constexpr std::string_view sacct_format =
    "JobIDRaw,User,State,Submit,Start,End,ExitCode,TotalCPU,MaxRSS,Comment,JobName";

// Of one user's jobs: what stands in their names and comments is that user's own. Lines that are
// not of the shape are left out.
std::vector<SlurmRecord> read_sacct(std::string_view text);

// Of scontrol's `show nodes` with --oneliner and --detail. Lines that name no node are left out.
std::vector<SlurmNode> read_scontrol_nodes(std::string_view text);

}  // namespace tradewind
