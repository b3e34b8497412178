// A small federation's journal, with signed records and real decisions, as a broker would keep it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/audit/leaf.h"
#include "broker/audit/replay.h"
#include "broker/core/market_router.h"
#include "schemas/journal.h"
#include "schemas/site.h"
#include "state/identity/authority.h"
#include "state/identity/keys.h"

namespace tradewind::testing {

class Story {
 public:
  Story();

  void admit(const SiteRecord& site);  // its member record, its site record, a sheet
  void sheet(const QuoteSheet& sheet);
  void quarantine(const QuoteSheet& sheet);  // two of its version with this and another price
  JobId submit(JobSpec spec, const std::string& tenant = "physics");
  // Decides and dispatches it; the decision.
  Decision place(const JobId& job);
  void grant(const JobId& job);
  void end(const JobId& job);
  void refuse(const JobId& job);
  void lose(const JobId& job);  // once it was granted
  void restart();
  void wait(std::chrono::seconds time) { now_.wall += time; }

  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<Entry>& entries() { return entries_; }
  std::vector<Bytes> leaves() const;
  const LeafWriter& writer() const { return writer_; }
  // Of its own leaves, and of these.
  struct Outcome {
    Status status;
    ReplayCounts counts;
    std::vector<Replayed> decisions;
  };
  Outcome replay() const { return replay(leaves()); }
  Outcome replay(const std::vector<Bytes>& leaves) const;

 private:
  void write(decltype(Entry::body) body);
  void record(const SiteId& site, RecordKind kind,
              std::variant<Member, SiteRecord, QuoteSheet> body);
  AttemptRecord& attempt(const JobId& job);

  CertificateAuthority authority_ = *CertificateAuthority::create(FederationId{"story"}, {});
  SigningKey registry_ = authority_.registry_key();
  std::map<SiteId, SigningKey> keys_;
  LeafWriter writer_{"tradewind:example", "not guessable"};
  Now now_;
  std::unique_ptr<MarketRouter> router_;
  std::map<JobId, JobRecord> jobs_;
  std::vector<Entry> entries_;
  std::uint64_t versions_ = 0;
  std::uint64_t term_ = 0;
};

}  // namespace tradewind::testing
