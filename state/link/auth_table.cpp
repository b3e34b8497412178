#include "state/link/auth_table.h"

#include <algorithm>
#include <mutex>

#include "state/identity/encoding.h"
#include "state/identity/keys.h"

namespace tradewind {

Status AuthTable::set(BytesView curve_key, const NodeId& node, BytesView former_curve_key) {
  std::vector<Bytes> keys{Bytes(curve_key)};
  if (!former_curve_key.empty()) keys.emplace_back(former_curve_key);
  const std::unique_lock lock(mutex_);
  for (const Bytes& key : keys) {
    if (key.size() != public_key_bytes) {
      return fail(ErrorCode::invalid, "curve_key",
                  std::to_string(key.size()) + " bytes are no CURVE public key",
                  "give the raw key, 32 bytes");
    }
    const auto owner = node_by_key_.find(key);
    if (owner != node_by_key_.end() && owner->second != node) {
      return fail(ErrorCode::conflict, "curve_key",
                  "the key " + hex(key) + " of \"" + node.value + "\" belongs to \"" +
                      owner->second.value + "\"",
                  "give every node a key of its own");
    }
  }
  std::vector<Bytes>& held = keys_by_node_[node];
  for (const Bytes& each : held) node_by_key_.erase(each);
  for (const Bytes& each : keys) node_by_key_.insert_or_assign(each, node);
  held = std::move(keys);
  return ok();
}

void AuthTable::remove(const NodeId& node) {
  const std::unique_lock lock(mutex_);
  const auto held = keys_by_node_.find(node);
  if (held == keys_by_node_.end()) return;
  for (const Bytes& each : held->second) node_by_key_.erase(each);
  keys_by_node_.erase(held);
}

void AuthTable::retain(const std::function<bool(const NodeId&)>& is_member) {
  const std::unique_lock lock(mutex_);
  for (auto held = keys_by_node_.begin(); held != keys_by_node_.end();) {
    if (is_member(held->first)) {
      ++held;
      continue;
    }
    for (const Bytes& each : held->second) node_by_key_.erase(each);
    held = keys_by_node_.erase(held);
  }
}

std::optional<NodeId> AuthTable::find(BytesView curve_key) const {
  const std::shared_lock lock(mutex_);
  const auto owner = node_by_key_.find(Bytes(curve_key));
  if (owner == node_by_key_.end()) return std::nullopt;
  return owner->second;
}

bool AuthTable::allowed(BytesView curve_key, const NodeId& node) const {
  const std::shared_lock lock(mutex_);
  const auto held = keys_by_node_.find(node);
  return held != keys_by_node_.end() &&
         std::find(held->second.begin(), held->second.end(), curve_key) != held->second.end();
}

std::size_t AuthTable::size() const {
  const std::shared_lock lock(mutex_);
  return node_by_key_.size();
}

}  // namespace tradewind
