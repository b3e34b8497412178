// Which CURVE key belongs to which node: who may speak on links, and as whom. Filled from member
// records that were verified. Any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "schemas/ids.h"
#include "schemas/result.h"

namespace tradewind {

class AuthTable {
 public:
  // From now on the node has this key (raw, 32 bytes), beside it the one that it followed unless
  // that is empty, and no other. Fails with ErrorCode::conflict when another node has one of them:
  // a node that claims its neighbour's public key must not lock it out. Fails with
  // ErrorCode::invalid for a key of another length.
  Status set(BytesView curve_key, const NodeId& node, BytesView former_curve_key = {});
  // The node may not speak any more; its live connections fall silent at once.
  void remove(const NodeId& node);

  // Removes all nodes that are none of these.
  void retain(const std::function<bool(const NodeId&)>& is_member);

  // Whose key it is; nothing when nobody's.
  std::optional<NodeId> find(BytesView curve_key) const;
  // Whether this node may speak with this key.
  bool allowed(BytesView curve_key, const NodeId& node) const;
  std::size_t size() const;  // keys

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<Bytes, NodeId> node_by_key_;
  std::unordered_map<NodeId, std::vector<Bytes>> keys_by_node_;
};

}  // namespace tradewind
