#include "broker/audit/witness_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "schemas/limits.h"
#include "state/transparency/limits.h"
#include "state/transparency/line.h"
#include "state/transparency/witness_request.h"

namespace tradewind {
namespace {

// What a witness says for people, as far as it may stand in a log.
std::string shown(BytesView text) {
  constexpr std::size_t bytes_max = 200;
  std::string line(text.substr(0, bytes_max));
  while (!line.empty() && line.back() == '\n') line.pop_back();
  std::ranges::replace_if(line, [](char each) { return each < ' ' || each == '\x7f'; }, '?');
  return text.size() > bytes_max ? line + "..." : line;
}

}  // namespace

WitnessPanel::WitnessPanel(Policy policy, std::vector<SiteId> sites,
                           std::chrono::milliseconds timeout, Send send)
    : policy_(std::move(policy)),
      sites_(std::move(sites)),
      timeout_(timeout),
      send_(std::move(send)),
      sizes_(sites_.size(), 0) {}

Result<std::unique_ptr<WitnessPanel>> WitnessPanel::create(Policy policy,
                                                           std::chrono::milliseconds timeout,
                                                           Send send) {
  constexpr std::string_view scheme = "site:";
  std::vector<SiteId> sites;
  for (const PolicyWitness& each : policy.witnesses) {
    const std::string_view url = each.url;
    const SiteId site{std::string(url.substr(std::min(scheme.size(), url.size())))};
    if (url.substr(0, scheme.size()) != scheme || !check_name("site", site.value)) {
      return fail(ErrorCode::invalid, "witness " + each.name,
                  "\"" + each.url + "\" is not where a site of the federation is reached",
                  "write site: and the site's id, as tradewind-gateway witness-key prints it");
    }
    if (std::ranges::find(sites, site) != sites.end()) {
      return fail(ErrorCode::invalid, "witness " + each.name,
                  "\"" + each.url + "\" is where another witness is reached",
                  "name one witness of each site");
    }
    sites.push_back(site);
  }
  return std::unique_ptr<WitnessPanel>(
      new WitnessPanel(std::move(policy), std::move(sites), timeout, std::move(send)));
}

Cosigned WitnessPanel::gather(const Checkpoint& checkpoint, BytesView signed_note,
                              const ConsistencyProver& prove) {
  const std::size_t count = sites_.size();
  Round round{checkpoint,
              signed_note,
              prove,
              format_checkpoint(checkpoint),
              std::vector<std::optional<NoteSignature>>(count),
              std::vector<std::string>(count, "it was not needed"),
              std::vector<int>(count, 0)};
  const auto end = std::chrono::steady_clock::now() + timeout_;
  bool quorum = has_quorum(round);
  for (std::size_t i = 0; i < count && !quorum; ++i) ask(round, i);
  while (!quorum) {
    std::vector<Arrived> arrived;
    {
      std::unique_lock lock(mutex_);
      came_.wait_until(lock, end, [this] { return !arrived_.empty() || open_.empty(); });
      arrived.swap(arrived_);
    }
    if (arrived.empty()) break;
    for (const Arrived& each : arrived) take(round, each);
    quorum = has_quorum(round);
  }
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [request, witness] : open_) {
      if (!quorum) round.reasons[witness] = fmt::format("no answer in {} ms", timeout_.count());
    }
    open_.clear();
    arrived_.clear();
  }

  Cosigned cosigned;
  cosigned.quorum = quorum;
  for (std::size_t i = 0; i < count; ++i) {
    if (round.signatures[i]) {
      cosigned.signatures.push_back(std::move(*round.signatures[i]));
    } else {
      cosigned.missing.push_back(policy_.witnesses[i].name + ": " + round.reasons[i]);
    }
  }
  return cosigned;
}

void WitnessPanel::answer(const SiteId& site, std::uint64_t request, int status, BytesView body) {
  if (body.size() > limits::cosign_answer_bytes_max) return;
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(request);
  if (found == open_.end() || sites_[found->second] != site) return;
  arrived_.push_back({found->second, status, Bytes(body)});
  open_.erase(found);
  // Under the lock: once the answer is taken, the panel may go.
  came_.notify_one();
}

void WitnessPanel::ask(Round& round, std::size_t witness) {
  WitnessRequest request;
  // One that saw more says so, which tells more than silence.
  request.old_size = std::min(sizes_[witness], round.checkpoint.head.size);
  if (request.old_size > 0 && request.old_size < round.checkpoint.head.size) {
    auto proof = round.prove(request.old_size);
    if (!proof) {
      round.reasons[witness] =
          fmt::format("no proof from size {}: {}", request.old_size, describe(proof.error()));
      return;
    }
    request.proof = std::move(*proof);
  }
  request.checkpoint = round.signed_note;
  const std::uint64_t number = ++last_request_;
  {
    const std::lock_guard lock(mutex_);
    open_.emplace(number, witness);
  }
  ++round.asked[witness];
  send_(sites_[witness], format_witness_request(request), number);
}

void WitnessPanel::take(Round& round, const Arrived& arrived) {
  if (arrived.status == 200) return take_cosignature(round, arrived);
  if (arrived.status == 409) return take_size(round, arrived);
  round.reasons[arrived.witness] =
      fmt::format("it answered {}: {}", arrived.status, shown(arrived.body));
}

void WitnessPanel::take_cosignature(Round& round, const Arrived& arrived) {
  std::string& reason = round.reasons[arrived.witness];
  const VerifierKey& key = policy_.witnesses[arrived.witness].key;
  const auto note = parse_note(round.text + "\n" + arrived.body);
  if (!note || note->text != round.text) {
    reason = "it answered with no signature lines";
    return;
  }
  if (const auto good = verify_note(*note, std::span(&key, 1)); !good) {
    reason = "it answered with no cosignature by its key: " + describe(good.error());
    return;
  }
  sizes_[arrived.witness] = round.checkpoint.head.size;
  round.signatures[arrived.witness] =
      *std::ranges::find_if(note->signatures, [&](const NoteSignature& each) {
        return each.name == key.name && each.key_id == key_id(key);
      });
}

void WitnessPanel::take_size(Round& round, const Arrived& arrived) {
  std::string& reason = round.reasons[arrived.witness];
  BytesView body = arrived.body;
  const auto line = take_line(body);
  const auto size = line && body.empty() ? parse_decimal(*line, limits::tree_size_max)
                                         : std::optional<std::uint64_t>();
  if (!size) {
    reason = "it answered 409 without a size";
    return;
  }
  sizes_[arrived.witness] = *size;
  if (*size > round.checkpoint.head.size) {
    reason = fmt::format("it saw size {} of this log, which is more than it has", *size);
  } else if (round.asked[arrived.witness] > 1) {
    reason = fmt::format("it told size {} after it was asked from the size it told before", *size);
  } else {
    ask(round, arrived.witness);
  }
}

bool WitnessPanel::has_quorum(const Round& round) const {
  std::set<std::string, std::less<>> cosigned;
  for (std::size_t i = 0; i < round.signatures.size(); ++i) {
    if (round.signatures[i]) cosigned.insert(policy_.witnesses[i].name);
  }
  return is_satisfied(policy_, cosigned);
}

}  // namespace tradewind
