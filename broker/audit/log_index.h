// By what entries of the log are found: rows made from the leaves alone, so that they can be made
// anew at any time. Nobody has to trust them: each leaf that is found says itself whether it fits,
// and whoever reads all bundles sees whether one was left out.
//
// A row stands for one key and one bundle and holds the places of the leaves in it, a byte each.
// Of a job's submission there is none by the job: the job's id tells where it is.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/audit/leaf.h"
#include "schemas/result.h"
#include "state/journal/log_store.h"

namespace tradewind {

// What leaves are wanted; empty texts want nothing, all others must hold.
struct LogFilter {
  std::string job{};     // an array's id finds its tasks as well
  std::string tenant{};  // pseudonym; finds all leaves about the tenant's jobs
  std::string site{};    // finds all leaves about attempts there
  std::string type{};
  std::string reason{};
  bool empty() const;
};

// Makes the rows, leaf by leaf. One thread.
class LogIndex {
 public:
  // Goes on where the stored rows end; when there are none, or they are behind `size` leaves,
  // makes those that are missing from the bundles, in writes of bounded size.
  static Result<LogIndex> recover(LogStore& store, std::uint64_t size);

  std::uint64_t size() const { return size_; }  // leaves
  // The next leaf. One without keys, or whose keys are no names, is found by its index alone.
  Status add(const std::optional<LeafKeys>& keys);
  // The rows since the last call, those of the bundle that is not full among them.
  void take(LogBatch& batch);

 private:
  explicit LogIndex(const LogStore& store);
  void put(char kind, std::string_view name);
  // What leaves said for those that follow them, by name: of a job its tenant, where its id does
  // not tell its leaf, of an attempt its site. All that is not written yet is in `newer`.
  struct Told {
    char kind;
    std::unordered_map<std::string, std::string> newer{};
    std::unordered_map<std::string, std::string> older{};
  };
  void tell(Told& told, const std::string& name, const std::string& value);
  // Empty when no leaf has said it.
  Result<std::string> find(Told& told, const std::string& name);
  Result<std::string> tenant_of(const std::string& submitted);
  void end_bundle();

  // Whose the jobs are that the last leaves submitted, by leaf.
  class Submissions {
   public:
    void put(std::uint64_t leaf, const std::string& job, const std::string& tenant);
    // Null when it is not known.
    const std::string* tenant(std::uint64_t leaf, std::string_view job) const;

   private:
    struct Each {
      std::string job;
      std::uint32_t tenant = 0;  // its place among the names
    };
    std::vector<Each> each_;  // a ring
    std::vector<std::string> names_;
    std::unordered_map<std::string, std::uint32_t> places_;
  };

  const LogStore* store_;
  std::uint64_t size_ = 0;
  std::map<std::string, Bytes> places_;  // of the bundle that is not full, by kind and name
  std::vector<IndexRow> rows_;
  Submissions submissions_;
  Told tenants_;
  Told sites_;
};

// The tenant's pseudonym by a job of its, a task or an array; nothing when the log has no
// submission of it. Any thread.
Result<std::optional<std::string>> tenant_of_job(const LogStore& store, std::string_view job);

// The site of an attempt; nothing when the log has no decision about it. Any thread.
Result<std::optional<std::string>> site_of_attempt(const LogStore& store, std::string_view attempt);

// Where a search goes on, when it stopped early.
struct Found {
  std::vector<std::uint64_t> leaves;  // in order; candidates, to be held against the filter
  std::uint64_t next = 0;             // all before it were looked at
};
// The leaves from `begin` to before `end` that the rows give for a filter that is not empty; stops
// after the bundle in which `limit` is reached, or after limits of its own. Any thread.
Result<Found> find_leaves(const LogStore& store, const LogFilter& filter, std::uint64_t begin,
                          std::uint64_t end, std::size_t limit);

// Whether the leaf is one that the filter wants; `tenant` as tenant_of_job gives it, and `site` as
// site_of_attempt does where the leaf names none.
bool wanted(const LogFilter& filter, const LeafKeys& keys, std::string_view tenant,
            std::string_view site);

}  // namespace tradewind
