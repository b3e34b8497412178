#include "gateway/site_witness.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "schemas/limits.h"
#include "state/transparency/limits.h"

namespace tradewind {

namespace {

constexpr std::size_t old_size_line_max = 4 + 20 + 1;  // "old ", the size, a newline
constexpr std::size_t hash_line_max = 44 + 1;
static_assert(limits::cosign_request_bytes_max >= old_size_line_max +
                                                      limits::proof_hashes_max * hash_line_max + 1 +
                                                      limits::note_bytes_max,
              "any request of the specification fits");

}  // namespace

Result<SigningKey> load_or_make_witness_key(const std::filesystem::path& directory) {
  return SigningKey::load_or_generate(directory / "witness.key");
}

PolicyWitness site_witness_line(const SiteId& site, const FederationId& federation,
                                const SigningKey& key) {
  return PolicyWitness{site.value,
                       VerifierKey{fmt::format("{}.{}/witness", site.value, federation.value),
                                   KeyType::cosignature, key.public_key()},
                       "site:" + site.value};
}

Result<std::unique_ptr<SiteWitness>> SiteWitness::open(const SiteId& site,
                                                       const FederationId& federation,
                                                       SigningKey key, Store& store) {
  const std::string name = site_witness_line(site, federation, key).key.name;
  std::unique_ptr<SiteWitness> made(new SiteWitness(Witness(name, std::move(key)), store));
  const auto stored = store.witnessed();
  if (!stored) return fail(stored.error());
  for (const WitnessedCheckpoint& each : *stored) {
    if (const Status taken = made->witness_.restore(each); !taken) return fail(taken.error());
  }
  return made;
}

void SiteWitness::learn(const Member& member) {
  if (const auto before = logs_.find(member.node); before != logs_.end()) {
    const VerifierKey log = std::move(before->second);
    logs_.erase(before);
    if (std::ranges::none_of(logs_, [&](const auto& each) { return each.second == log; })) {
      witness_.distrust(log);
    }
  }
  if (member.log_key.empty() || member.state == MemberState::revoked) return;
  auto log = parse_verifier_key(member.log_key);
  if (!log || log->type != KeyType::ed25519) {
    spdlog::warn("witness.no_log_key node={} key=\"{}\"", member.node.value, member.log_key);
    return;
  }
  witness_.trust(*log);
  logs_.emplace(member.node, std::move(*log));
}

Result<CosignAnswer> SiteWitness::answer(const CosignCheckpoint& request, Wall::time_point now) {
  Witness::Output output = witness_.add_checkpoint(request.body, now);
  if (output.persist) {
    if (const Status kept = store_.keep_witnessed(*output.persist); !kept) {
      return fail(kept.error());
    }
  } else if (output.answer.status != 409) {
    const std::string_view why = output.answer.body;
    spdlog::warn("witness.refused status={} why=\"{}\"", output.answer.status,
                 why.substr(0, why.find('\n')));
  }
  if (output.answer.body.size() > limits::cosign_answer_bytes_max) {
    output.answer = {500, "text/plain; charset=utf-8", "the answer is over its limit\n"};
  }
  return CosignAnswer{request.request, static_cast<std::uint16_t>(output.answer.status),
                      std::move(output.answer.content_type), std::move(output.answer.body)};
}

}  // namespace tradewind
