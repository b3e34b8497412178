#include "state/link/auth_table.h"

#include <mutex>

#include "state/identity/encoding.h"
#include "state/identity/keys.h"

namespace tradewind {

Status AuthTable::set(BytesView curve_key, const NodeId& node) {
  if (curve_key.size() != public_key_bytes) {
    return fail(ErrorCode::invalid, "curve_key",
                std::to_string(curve_key.size()) + " bytes are no CURVE public key",
                "give the raw key, 32 bytes");
  }
  const std::unique_lock lock(mutex_);
  Bytes key(curve_key);
  const auto [owner, fresh] = node_by_key_.try_emplace(key, node);
  if (!fresh) {
    if (owner->second == node) return ok();
    return fail(ErrorCode::conflict, "curve_key",
                "the key " + hex(curve_key) + " of \"" + node.value + "\" belongs to \"" +
                    owner->second.value + "\"",
                "give every node a key of its own");
  }
  Bytes& held = key_by_node_[node];
  if (!held.empty()) node_by_key_.erase(held);
  held = std::move(key);
  return ok();
}

void AuthTable::remove(const NodeId& node) {
  const std::unique_lock lock(mutex_);
  const auto held = key_by_node_.find(node);
  if (held == key_by_node_.end()) return;
  node_by_key_.erase(held->second);
  key_by_node_.erase(held);
}

std::optional<NodeId> AuthTable::find(BytesView curve_key) const {
  const std::shared_lock lock(mutex_);
  const auto owner = node_by_key_.find(Bytes(curve_key));
  if (owner == node_by_key_.end()) return std::nullopt;
  return owner->second;
}

bool AuthTable::allowed(BytesView curve_key, const NodeId& node) const {
  const std::shared_lock lock(mutex_);
  const auto held = key_by_node_.find(node);
  return held != key_by_node_.end() && held->second == curve_key;
}

std::size_t AuthTable::size() const {
  const std::shared_lock lock(mutex_);
  return node_by_key_.size();
}

}  // namespace tradewind
