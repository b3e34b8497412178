#include "broker/core/holding_labels.h"

#include <fmt/format.h>

#include "state/transparency/big_endian.h"

namespace tradewind {
HoldingLabels::HoldingLabels(BytesView secret) {
  if (!secret.empty()) hmac_.emplace(secret);
}

HoldingLabel HoldingLabels::label(std::string_view scope, const TenantId& owner,
                                  std::string_view dataset, std::string_view sha256) const {
  // None of the parts can hold a line's end.
  const Bytes hash =
      (*hmac_)(fmt::format("holding\n{}\n{}\n{}\n{}", scope, owner.value, dataset, sha256));
  return HoldingLabel{read_big_endian<std::uint64_t>(hash),
                      read_big_endian<std::uint64_t>(BytesView(hash).substr(8))};
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
