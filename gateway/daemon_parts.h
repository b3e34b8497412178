// What a daemon speaks for and with, read from the directory that has joined a federation.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "gateway/broker_request.h"
#include "gateway/membership.h"
#include "gateway/site_file.h"
#include "gateway/store.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"

namespace tradewind {

struct DaemonParts {
  SiteFile site;
  NodeKeys keys;
  std::unique_ptr<Store> store;
  Membership membership;
  SigningKey witness_key;
};

// Where the certificate does not do any more, as it has expired while the gateway was down, or is
// of keys that a renewal under way has replaced, a new one is asked for: blocks until a broker has
// answered, for as long as none does. With an empty `broker.url` it is taken as it is. Fails as its
// parts do; with not_found before a join.
Result<DaemonParts> load_daemon_parts(const std::string& site_file,
                                      const std::filesystem::path& directory,
                                      const BrokerConnection& broker, Now now);

}  // namespace tradewind
