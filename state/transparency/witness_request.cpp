#include "state/transparency/witness_request.h"

#include "state/transparency/limits.h"
#include "state/transparency/line.h"

namespace tradewind {
namespace {

constexpr std::string_view kOld = "old ";

}  // namespace

Bytes format_witness_request(const WitnessRequest& request) {
  Bytes body = Bytes(kOld) + std::to_string(request.old_size) + "\n";
  for (const Hash& each : request.proof) body += hash_line(each) + "\n";
  return body + "\n" + request.checkpoint;
}

Result<WitnessRequest> parse_witness_request(BytesView body) {
  WitnessRequest request;
  const auto line = take_line(body);
  const auto old_size = line && line->starts_with(kOld)
                            ? parse_decimal(line->substr(kOld.size()), limits::tree_size_max)
                            : std::optional<std::uint64_t>();
  if (!old_size) {
    return fail(ErrorCode::invalid, "old", "the first line is not \"old\" and a tree size",
                "begin with: old <size of the checkpoint that the witness saw last>");
  }
  request.old_size = *old_size;
  auto proof = take_proof("proof", body);
  if (!proof) return fail(proof.error());
  request.proof = std::move(*proof);
  request.checkpoint = body;
  return request;
}

}  // namespace tradewind
