#include "state/journal/keys.h"

#include "schemas/assert.h"

namespace tradewind {

std::string sequence_key(Sequence sequence) {
  std::string key(8, '\0');
  for (std::size_t index = 0; index < 8; ++index) {
    key[index] = static_cast<char>((sequence.value >> (56 - 8 * index)) & 0xff);
  }
  return key;
}

std::optional<Sequence> parse_sequence_key(std::string_view key) {
  if (key.size() != 8) return std::nullopt;
  Sequence sequence;
  for (const char each : key) {
    sequence.value = (sequence.value << 8) | static_cast<unsigned char>(each);
  }
  return sequence;
}

std::string tenant_key(const TenantId& tenant, std::string_view rest) {
  TRADEWIND_ASSERT(tenant.value.find('\0') == std::string::npos);
  std::string key = tenant.value;
  key.push_back('\0');
  key.append(rest);
  return key;
}

std::string tenant_end(const TenantId& tenant) {
  std::string key = tenant.value;
  key.push_back('\1');
  return key;
}

std::string tile_key(const TileId& id) {
  return static_cast<char>(id.level) + sequence_key(Sequence{id.index});
}

std::string bundle_key(const BundleId& id) {
  return sequence_key(Sequence{id.index});
}

}  // namespace tradewind
