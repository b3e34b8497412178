// Who waits for whom to succeed: of live jobs only, since what has ended is waited for no more.
//
// Who waits is a submission: a job, or an array, whose tasks all come after the same ones. What is
// waited for is a job, a task of an array, or an array whole: then all its tasks. Each step costs
// by the submissions that it changes, never by all that wait. Pure; one thread.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "schemas/ids.h"

namespace tradewind {

class Dependencies {
 public:
  // One more job of a submission that waits; false, and nothing is done, when that does not.
  bool join(const JobId& submission);
  // Whether somebody waits for it or did, and it has not ended.
  bool is_awaited(const JobId& other) const { return awaited_.contains(other); }
  // The submission, of one job unless it waits already, waits for the job, or for so many tasks of
  // the array, to succeed. The number counts only while `is_awaited` is false; at least one then.
  void wait_for(const JobId& submission, const JobId& other, std::size_t jobs);
  // Whether any job of the submission waits.
  bool waits(const JobId& submission) const { return waiting_.contains(submission); }

  // The job, or one more task of the array, has succeeded. The submissions that wait for nothing
  // more: they are let go of.
  std::vector<JobId> succeeded(const JobId& other);
  // The job, or a task of the array, has ended otherwise. The submissions that waited for it: they
  // are let go of.
  std::vector<JobId> failed(const JobId& other);
  // A job of the submission has ended while it waited.
  void leave(const JobId& submission);

 private:
  struct Awaited {
    std::size_t jobs = 0;         // that have yet to succeed
    std::set<JobId> submissions;  // that wait for it
  };
  struct Waiting {
    std::size_t jobs = 0;  // of the submission
    std::set<JobId> others;
  };
  void let_go(const JobId& submission);

  std::map<JobId, Awaited> awaited_;  // stays, once it has been waited for, until it has ended
  std::map<JobId, Waiting> waiting_;
};

}  // namespace tradewind
