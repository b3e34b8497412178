// An authority's directory as it was before there were trust records.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "state/identity/authority.h"
#include "state/identity/stored_file.h"

namespace tradewind {

inline void store_former_authority(const std::filesystem::path& directory,
                                   const FederationId& federation, const SigningKey& key,
                                   const SigningKey& registry_key, Wall::time_point now) {
  std::filesystem::create_directories(directory);
  EXPECT_TRUE(store_file(directory / "federation", federation.value + "\n", public_mode));
  EXPECT_TRUE(store_file(directory / "ca.crt", make_issuer(federation, key, now), public_mode));
  EXPECT_TRUE(key.save(directory / "ca.key"));
  EXPECT_TRUE(registry_key.save(directory / "registry.key"));
}

}  // namespace tradewind
