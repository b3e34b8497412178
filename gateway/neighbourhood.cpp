#include "gateway/neighbourhood.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace tradewind {

namespace {

bool is_broker(const NodeId& node) {
  return node.value.rfind("broker/", 0) == 0;
}

}  // namespace

Neighbourhood::Neighbourhood(NodeId self, std::shared_ptr<AuthTable> table, Link& link)
    : self_(std::move(self)), table_(std::move(table)), link_(link) {}

void Neighbourhood::accept(const Record& record) {
  if (record.header.subject == self_) return;
  if (const auto* member = std::get_if<Member>(&record.body)) {
    accept(*member);
  } else if (const auto* site = std::get_if<SiteRecord>(&record.body)) {
    Peer& peer = peers_[record.header.subject];
    if (peer.endpoint == site->endpoint) return;
    peer.endpoint = site->endpoint;
    choose_sites();
  }
}

void Neighbourhood::accept(const Member& member) {
  Peer& peer = peers_[member.node];
  if (member.state != MemberState::active) {
    spdlog::warn("member.excluded node={} state={}", member.node.value, to_string(member.state));
    exclude(member.node);
    choose_sites();
    return;
  }
  if (const Status set = table_->set(member.curve_key, member.node, member.former_curve_key);
      !set) {
    spdlog::warn("member.key_refused node={} error=\"{}\"", member.node.value,
                 describe(set.error()));
    return;
  }
  peer.curve_key = member.curve_key;
  if (is_broker(member.node)) {
    peer.endpoint = member.endpoint;
    reconnect(member.node);
  } else {
    choose_sites();
  }
}

void Neighbourhood::exclude(const NodeId& node) {
  peers_.at(node).curve_key.clear();
  table_->remove(node);
  link_.disconnect(node);
}

void Neighbourhood::retain(const std::function<bool(const NodeId&)>& is_member) {
  bool changed = false;
  for (const auto& [node, peer] : peers_) {
    if (peer.curve_key.empty() || is_member(node)) continue;
    spdlog::warn("member.ended node={}", node.value);
    exclude(node);
    changed = true;
  }
  if (changed) choose_sites();
}

void Neighbourhood::reconnect(const NodeId& node) {
  const Peer& peer = peers_.at(node);
  if (peer.endpoint.empty() || peer.curve_key.empty()) {
    link_.disconnect(node);
    return;
  }
  if (const Status kept = link_.connect(node, peer.endpoint, peer.curve_key); !kept) {
    spdlog::warn("link.not_connected node={} endpoint={} error=\"{}\"", node.value, peer.endpoint,
                 describe(kept.error()));
  }
}

// The sites with the greatest weights, by a hash that differs from gateway to gateway.
void Neighbourhood::choose_sites() {
  const std::uint64_t own = stable_hash(self_.value);
  std::vector<std::pair<std::uint64_t, NodeId>> weighted;
  for (const auto& [node, peer] : peers_) {
    if (is_broker(node) || peer.endpoint.empty() || peer.curve_key.empty()) continue;
    weighted.emplace_back(stable_hash(node.value, own), node);
  }
  std::sort(weighted.rbegin(), weighted.rend());
  if (weighted.size() > site_connections_max) weighted.resize(site_connections_max);
  std::vector<NodeId> sites;
  for (auto& each : weighted) sites.push_back(std::move(each.second));
  sites_.swap(sites);
  for (const NodeId& former : sites) {
    if (!chosen(former)) link_.disconnect(former);
  }
  for (const NodeId& each : sites_) reconnect(each);
}

bool Neighbourhood::chosen(const NodeId& site) const {
  return std::find(sites_.begin(), sites_.end(), site) != sites_.end();
}

std::vector<NodeId> Neighbourhood::seeds() const {
  std::vector<NodeId> brokers;
  for (const auto& [node, peer] : peers_) {
    if (is_broker(node) && !peer.endpoint.empty() && !peer.curve_key.empty()) {
      brokers.push_back(node);
    }
  }
  return brokers;
}

}  // namespace tradewind
