// What the broker calls the data of jobs, so that sites may keep it for later ones and tell of it
// without telling what it is (schemas/holding.h). Pure; one thread.
#pragma once

#include <optional>
#include <string_view>

#include "broker/core/datasets.h"
#include "schemas/holding.h"
#include "schemas/ids.h"
#include "schemas/job.h"
#include "schemas/result.h"
#include "state/identity/digest.h"

namespace tradewind {

class HoldingLabels {
 public:
  // Whoever has the secret can tell what labels stand for. Empty: nothing gets a label.
  explicit HoldingLabels(BytesView secret);

  // Labels each input that has a digest and is no inline content. An input that names a data set
  // gets a label that is the data set's and its owner's, the same for all who may read it; any
  // other the tenant's own. So what a site keeps under a label was brought there for somebody who
  // may share it with this tenant, whatever digest the tenant states. `spec` has been bound to
  // `datasets`.
  void put(JobSpec& spec, const TenantId& tenant, const Datasets& datasets) const;

 private:
  HoldingLabel label(std::string_view scope, const TenantId& owner, std::string_view dataset,
                     std::string_view sha256) const;

  std::optional<HmacSha256> hmac_;
};

}  // namespace tradewind
