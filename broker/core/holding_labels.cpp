#include "broker/core/holding_labels.h"

#include <fmt/format.h>

namespace tradewind {
namespace {

std::uint64_t number_at(BytesView bytes, std::size_t offset) {
  std::uint64_t value = 0;
  for (std::size_t each = 0; each < 8; ++each) {
    value = value << 8 | static_cast<unsigned char>(bytes[offset + each]);
  }
  return value;
}

}  // namespace

HoldingLabels::HoldingLabels(BytesView secret) {
  if (!secret.empty()) hmac_.emplace(secret);
}

HoldingLabel HoldingLabels::label(std::string_view scope, const TenantId& owner,
                                  std::string_view dataset, std::string_view sha256) const {
  // None of the parts can hold a line's end.
  const Bytes hash =
      (*hmac_)(fmt::format("holding\n{}\n{}\n{}\n{}", scope, owner.value, dataset, sha256));
  return HoldingLabel{number_at(hash, 0), number_at(hash, 8)};
}

void HoldingLabels::put(JobSpec& spec, const TenantId& tenant, const Datasets& datasets) const {
  if (!hmac_) return;
  for (Input& input : spec.inputs) {
    if (input.sha256.empty() || !input.content.empty()) continue;
    if (input.dataset.empty()) {
      input.holding = label("tenant", tenant, "", input.sha256);
    } else if (const TenantId* const owner = datasets.owner(input.dataset)) {
      input.holding = label("dataset", *owner, input.dataset, input.sha256);
    }
  }
}

}  // namespace tradewind
