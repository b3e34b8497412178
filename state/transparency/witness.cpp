#include "state/transparency/witness.h"

#include <algorithm>

#include "schemas/assert.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/transparency/cosignature.h"
#include "state/transparency/witness_request.h"

namespace tradewind {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";

Witness::Output refuse(int status, const Error& error) {
  return {std::nullopt, {status, kText, describe(error) + "\n"}};
}
Witness::Output refuse(int status, const char* field, std::string message, std::string remedy) {
  return refuse(status, Error{ErrorCode::refused, field, std::move(message), std::move(remedy)});
}

std::uint64_t posix_seconds(Wall::time_point at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
  return static_cast<std::uint64_t>(std::max<decltype(seconds)>(seconds, 0));
}

}  // namespace

std::string monitoring_path(std::string_view origin) {
  return hex(sha256(origin)) + "/checkpoint";
}

Witness::Witness(std::string name, SigningKey key)
    : key_(std::move(key)),
      verifier_key_{std::move(name), KeyType::cosignature, key_.public_key()} {
  TRADEWIND_ASSERT(is_key_name(verifier_key_.name));
}

void Witness::trust(const VerifierKey& log) {
  TRADEWIND_ASSERT(log.type == KeyType::ed25519);
  auto& keys = logs_[log.name];
  if (std::ranges::find(keys, log) == keys.end()) keys.push_back(log);
}

void Witness::distrust(const VerifierKey& log) {
  const auto found = logs_.find(log.name);
  if (found == logs_.end()) return;
  std::erase(found->second, log);
  if (found->second.empty()) logs_.erase(found);
}

Status Witness::restore(const WitnessedCheckpoint& stored) {
  const auto damaged = [&](const std::string& why) {
    return fail(ErrorCode::corrupt, "witness", "what is stored of " + stored.origin + ": " + why,
                "restore the witness's store; never begin anew under the same key");
  };
  const auto note = parse_note(stored.note);
  if (!note) return damaged(describe(note.error()));
  const auto own = verify_note(*note, std::span(&verifier_key_, 1));
  if (!own) return damaged(describe(own.error()));
  const auto checkpoint = parse_checkpoint(note->text);
  if (!checkpoint) return damaged(describe(checkpoint.error()));
  if (checkpoint->origin != stored.origin) return damaged("it is of " + checkpoint->origin);
  seen_[stored.origin] = Seen{checkpoint->head, *own->front().cosigned_seconds};
  return ok();
}

Witness::Output Witness::add_checkpoint(BytesView body, Wall::time_point now) {
  const auto request = parse_witness_request(body);
  if (!request) return refuse(400, request.error());
  auto note = parse_note(request->checkpoint);
  if (!note) return refuse(400, note.error());
  const auto checkpoint = parse_checkpoint(note->text);
  if (!checkpoint) return refuse(400, checkpoint.error());

  const auto log = logs_.find(checkpoint->origin);
  if (log == logs_.end()) {
    return refuse(404, "origin", "this witness does not know the log",
                  "ask its operator to add the log's key");
  }
  if (const auto good = verify_note(*note, log->second); !good) return refuse(403, good.error());
  if (request->old_size > checkpoint->head.size) {
    return refuse(400, "old", "is larger than the checkpoint", "send the checkpoint that is newer");
  }
  const auto found = seen_.find(checkpoint->origin);
  const Seen seen = found == seen_.end() ? Seen{} : found->second;
  if (request->old_size != seen.head.size) {
    return {std::nullopt, {409, "text/x.tlog.size", std::to_string(seen.head.size) + "\n"}};
  }
  const Status continues = verify_consistency(seen.head, checkpoint->head, request->proof);
  if (!continues) return refuse(422, continues.error());

  // A clock that was set back must not make a larger tree look older than a smaller one.
  const std::uint64_t seconds = std::max(posix_seconds(now), seen.seconds);
  const NoteSignature cosignature = cosign_note(note->text, verifier_key_.name, key_, seconds);
  // Only what was verified is kept.
  std::erase_if(note->signatures, [&](const NoteSignature& each) {
    return std::ranges::none_of(log->second, [&](const VerifierKey& key) {
      return each.name == key.name && each.key_id == key_id(key);
    });
  });
  note->signatures.push_back(cosignature);
  seen_[checkpoint->origin] = Seen{checkpoint->head, seconds};
  return {WitnessedCheckpoint{checkpoint->origin, format_note(*note)},
          {200, kText, format_signature_line(cosignature)}};
}

}  // namespace tradewind
