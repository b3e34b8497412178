// Stands in for broker/audit/leaf.cpp: leaves that are no CloudEvents, but have all the keys.
#include <fmt/format.h>

#include "broker/audit/leaf.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

std::string_view value_of(BytesView event, std::string_view name) {
  const std::string start = "\"" + std::string(name) + "\":\"";
  const auto at = event.find(start);
  if (at == BytesView::npos) return {};
  const BytesView rest = event.substr(at + start.size());
  return rest.substr(0, rest.find('"'));
}

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace

LeafWriter::LeafWriter(std::string source, Bytes secret)
    : source_(std::move(source)), secret_(std::move(secret)) {}

Leaf LeafWriter::write(Sequence sequence, const Entry& entry) const {
  LeafKeys keys;
  std::optional<Bytes> data;
  std::visit(Overloaded{[&](const JobSubmitted& body) {
                          keys.type = "org.tradewind.job.submitted";
                          keys.job = body.job.value;
                          keys.tenant = pseudonym(body.tenant);
                        },
                        [&](const AttemptGranted& body) {
                          keys.type = "org.tradewind.attempt.granted";
                          keys.job = body.attempt.job.value;
                          keys.site = "osaka";
                        },
                        [&](const AttemptRefused& body) {
                          keys.type = "org.tradewind.attempt.refused";
                          keys.job = body.attempt.job.value;
                          keys.site = "paris";
                          keys.reason = "no_capacity";
                          data = "{\"detail\":\"" + body.detail + "\"}";
                        },
                        [&](const auto&) { keys.type = "org.tradewind.other"; }},
             entry.body);
  Leaf leaf;
  leaf.event = fmt::format(
      "{{\"specversion\":\"1.0\",\"source\":\"{}\",\"id\":\"{}\",\"type\":\"{}\","
      "\"recordedtime\":\"{}\",\"job\":\"{}\",\"tenant\":\"{}\",\"site\":\"{}\",\"reason\":\"{}\","
      "\"datasha256\":\"{}\"}}",
      source_, sequence.value, keys.type, to_rfc3339(entry.at), keys.job, keys.tenant, keys.site,
      keys.reason, data ? hex(sha256(*data)) : "");
  leaf.data = std::move(data);
  return leaf;
}

std::optional<Bytes> LeafWriter::opening(Sequence, const Entry& entry) const {
  const auto* submitted = std::get_if<JobSubmitted>(&entry.body);
  if (submitted == nullptr) return std::nullopt;
  return "{\"name\":\"" + submitted->spec.name + "\"}";
}

std::string LeafWriter::pseudonym(const TenantId& tenant) const {
  return "t" + hex(sha256(secret_ + tenant.value)).substr(0, 16);
}

Result<LeafKeys> leaf_keys(BytesView event) {
  const auto recorded = parse_rfc3339("recordedtime", value_of(event, "recordedtime"));
  if (!recorded) return fail(recorded.error());
  const auto text = [&](std::string_view name) { return std::string(value_of(event, name)); };
  return LeafKeys{text("type"),   *recorded,    text("job"),
                  text("tenant"), text("site"), text("reason")};
}

}  // namespace tradewind
