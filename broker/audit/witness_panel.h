// Asks the sites that a policy names as witnesses to cosign, over their links.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/audit/cosigners.h"
#include "schemas/ids.h"
#include "schemas/result.h"
#include "state/transparency/policy.h"

namespace tradewind {

class WitnessPanel final : public Cosigners {
 public:
  // Has a site asked, with C2SP add-checkpoint's body; must not block. What comes of it is told to
  // answer() under the same request, or never.
  using Send = std::function<void(const SiteId& site, Bytes body, std::uint64_t request)>;

  // Each witness's URL is "site:<site id>", each of another site. Fails with ErrorCode::invalid.
  static Result<std::unique_ptr<WitnessPanel>> create(Policy policy,
                                                      std::chrono::milliseconds timeout, Send send);

  // Asks nobody when the quorum is none. A witness that tells another size than it was thought to
  // have seen is asked once more; whoever answers after the end is asked anew the next time.
  Cosigned gather(const Checkpoint& checkpoint, BytesView signed_note,
                  const ConsistencyProver& prove) override;

  // What a site answered, as HTTP has it. Any thread, at any time; what nobody asked this site for
  // is ignored.
  void answer(const SiteId& site, std::uint64_t request, int status, BytesView body);

 private:
  // One gathering.
  struct Round {
    const Checkpoint& checkpoint;
    BytesView signed_note;
    const ConsistencyProver& prove;
    Bytes text;                                            // what is cosigned
    std::vector<std::optional<NoteSignature>> signatures;  // of each witness
    std::vector<std::string> reasons;                      // why it has not cosigned, likewise
    std::vector<int> asked;                                // how often, likewise
  };
  struct Arrived {
    std::size_t witness = 0;
    int status = 0;
    Bytes body;
  };

  WitnessPanel(Policy policy, std::vector<SiteId> sites, std::chrono::milliseconds timeout,
               Send send);
  void ask(Round& round, std::size_t witness);
  void take(Round& round, const Arrived& arrived);
  void take_cosignature(Round& round, const Arrived& arrived);
  void take_size(Round& round, const Arrived& arrived);
  bool has_quorum(const Round& round) const;

  const Policy policy_;
  const std::vector<SiteId> sites_;  // of each witness
  const std::chrono::milliseconds timeout_;
  const Send send_;
  // Of the gathering thread: what each witness saw last, as far as it told.
  std::vector<std::uint64_t> sizes_;
  std::uint64_t last_request_ = 0;

  std::mutex mutex_;  // guards what follows
  std::condition_variable came_;
  std::map<std::uint64_t, std::size_t> open_;  // requests not answered yet: whom they went to
  std::vector<Arrived> arrived_;
};

}  // namespace tradewind
