#include "broker/audit/leaf.h"

#include <fmt/format.h>

#include <utility>
#include <variant>
#include <vector>

#include "broker/audit/decision_text.h"
#include "broker/audit/json_read.h"
#include "broker/audit/json_text.h"
#include "broker/audit/leaf_type.h"
#include "broker/audit/spec_text.h"
#include "schemas/codec.h"
#include "schemas/record.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/transparency/limits.h"

namespace tradewind {
namespace {

constexpr std::size_t kPseudonymBytes = 16;

void write_report(JsonText& out, const EndReport& report) {
  out.add("code", to_string(report.code));
  out.add("started", report.started);
  out.add("charge", report.charge);
  out.open("usage");
  out.add("started", report.usage.started);
  out.add("ended", report.usage.ended);
  out.add("wall_seconds", report.usage.wall_seconds);
  out.add("cpu_milliseconds", report.usage.cpu_milliseconds);
  out.add("memory_peak_mib", report.usage.memory_peak_mib);
  out.close();
  out.open_list("executors");
  for (const ExecutorEnd& each : report.executors) {
    out.open();
    out.add("exit_code", each.exit_code);
    out.add("started", each.started);
    out.add("ended", each.ended);
    out.close();
  }
  out.close_list();
}

// Tails are bytes of the job's, hence in base64.
std::string private_of(const EndReport& report) {
  JsonText out;
  out.open();
  out.add("detail", report.detail);
  out.open_list("executors");
  for (const ExecutorEnd& each : report.executors) {
    out.open();
    out.add("stdout_tail", base64_encode(each.stdout_tail));
    out.add("stderr_tail", base64_encode(each.stderr_tail));
    if (!each.image.empty()) out.add("image", each.image);
    out.close();
  }
  out.close_list();
  out.open_list("inputs");
  for (const StagedInput& each : report.inputs) {
    out.open();
    out.add("path", each.path);
    out.add("url", each.url);
    out.add("size_bytes", each.size_bytes);
    out.add("sha256", each.sha256);
    out.add("milliseconds", each.milliseconds);
    out.close();
  }
  out.close_list();
  out.open_list("outputs");
  for (const OutputFile& each : report.outputs) {
    out.open();
    out.add("path", each.path);
    out.add("url", each.url);
    out.add("size_bytes", each.size_bytes);
    out.add("sha256", each.sha256);
    out.close();
  }
  out.close_list();
  out.open_list("system_log");
  for (const std::string& each : report.system_log) out.element(each);
  out.close_list();
  out.close();
  return out.take();
}

// What an entry comes to: the event's attributes, its data, and what it only commits to.
struct Said {
  std::string_view type;
  std::string subject;
  std::string site;
  std::string tenant;
  std::string reason;
  std::string traceparent;
  JsonText data;
  std::vector<std::pair<std::string_view, std::string>> secrets;  // JSON documents, by name
};

struct Say {
  const LeafWriter& writer;
  Said& said;

  void operator()(const TermBegan& entry) {
    said.type = leaf_type::term_began;
    said.data.add("term", entry.term.value);
  }
  void operator()(const JobSubmitted& entry) {
    said.type = leaf_type::submitted;
    said.subject = entry.job.value;
    said.tenant = writer.pseudonym(entry.tenant);
    said.traceparent = entry.traceparent;
    write(said.data, "spec", entry.spec);
    if (entry.quote) write(said.data, "quote", *entry.quote);
    said.secrets.emplace_back("tenant", json_string(entry.tenant.value));
    said.secrets.emplace_back("principal", json_string(entry.principal));
    JsonText secret;
    secret.open();
    secret.add("idempotency_key", entry.idempotency_key);
    write_private(secret, entry.spec);
    secret.close();
    said.secrets.emplace_back("spec", secret.take());
  }
  void operator()(const JobDecided& entry) {
    said.type = leaf_type::decided;
    about(entry.attempt);
    if (entry.decision.chosen) said.site = entry.decision.chosen->site.value;
    said.reason = "placed";
    write(said.data, "decision", entry.decision);
  }
  void operator()(const JobUnroutable& entry) {
    said.type = leaf_type::unroutable;
    said.subject = entry.job.value;
    if (!entry.decision.rejections.empty()) {
      said.reason = to_string(entry.decision.rejections.front().reason);
    }
    write(said.data, "decision", entry.decision);
  }
  void operator()(const JobsCleared& entry) {
    said.type = leaf_type::cleared;
    said.data.open_list("jobs");
    for (const JobsCleared::Job& each : entry.jobs) {
      said.data.open();
      said.data.add("job", each.job.value);
      said.data.open_list("excluded");
      for (const SiteId& site : each.excluded) said.data.element(site.value);
      said.data.close_list();
      said.data.close();
    }
    said.data.close_list();
  }
  void operator()(const CancelRequested& entry) {
    said.type = leaf_type::cancel_requested;
    said.subject = entry.job.value;
    said.secrets.emplace_back("principal", json_string(entry.principal));
  }
  void operator()(const JobExpired& entry) {
    said.type = leaf_type::expired;
    said.subject = entry.job.value;
    said.reason = "expired";
    said.secrets.emplace_back("reason", json_string(entry.reason));
  }
  void operator()(const AttemptGranted& entry) {
    said.type = leaf_type::granted;
    about(entry.attempt);
  }
  void operator()(const AttemptRefused& entry) {
    said.type = leaf_type::refused;
    about(entry.attempt);
    said.reason = to_string(entry.code);
    said.secrets.emplace_back("detail", json_string(entry.detail));
  }
  void operator()(const AttemptAdvanced& entry) {
    said.type = leaf_type::advanced;
    about(entry.attempt);
    said.reason = to_string(entry.phase);
  }
  void operator()(const AttemptFinished& entry) {
    said.type = leaf_type::ended;
    about(entry.attempt);
    said.reason = to_string(entry.report.code);
    write_report(said.data, entry.report);
    said.secrets.emplace_back("report", private_of(entry.report));
  }
  void operator()(const AttemptLost& entry) {
    said.type = leaf_type::lost;
    about(entry.attempt);
    said.reason = "lost";
    said.data.add("detail", entry.reason);
  }
  void operator()(const InviteIssued& entry) {
    said.type = leaf_type::invited;
    said.site = entry.site.value;
    said.data.add("token_sha256", entry.token_sha256);
    said.data.add("units_max", entry.units_max);
    said.data.add("expires", entry.expires);
  }
  void operator()(const MemberChanged& entry) {
    said.type = leaf_type::member_changed;
    record(entry.record);
    if (!entry.token_sha256.empty()) said.data.add("token_sha256", entry.token_sha256);
    if (entry.cause == MemberCause::unsaid) return;
    said.data.add("cause", to_string(entry.cause));
    if (!entry.renewal.empty()) said.data.add("renewal", hex(entry.renewal));
    if (!entry.recoveries.empty()) {
      said.data.open_list("recoveries");
      for (const Wall::time_point each : entry.recoveries) said.data.element(to_rfc3339(each));
      said.data.close_list();
    }
    if (entry.recovery_allowed) said.data.add("recovery_allowed", true);
    if (!entry.principal.empty()) {
      said.secrets.emplace_back("principal", json_string(entry.principal));
    }
  }
  void operator()(const TrustChanged& entry) {
    said.type = leaf_type::trust_changed;
    said.data.add("record", entry.record);
  }
  void operator()(const MarketRecorded& entry) {
    said.type = leaf_type::market_recorded;
    record(entry.record);
  }
  void operator()(const SiteQuarantined& entry) {
    said.type = leaf_type::quarantined;
    said.data.open("first");
    record(entry.proof.first);
    said.data.close();
    said.data.open("second");
    record(entry.proof.second);
    said.data.close();
  }
  void operator()(const DatasetChanged& entry) {
    said.type = leaf_type::dataset_changed;
    said.secrets.emplace_back("name", json_string(entry.name));
    said.secrets.emplace_back("principal", json_string(entry.principal));
    if (!entry.dataset) {
      said.reason = "removed";
      return;
    }
    const Dataset& dataset = *entry.dataset;
    said.tenant = writer.pseudonym(dataset.owner);
    said.data.add("size_bytes", dataset.size_bytes);
    write_replicas(said.data, dataset.replicas);
    said.data.open_list("residency");
    for (const Jurisdiction& each : dataset.residency) said.data.element(each.value);
    said.data.close_list();
    said.data.open_list("shared_with");
    for (const TenantId& each : dataset.shared_with) said.data.element(writer.pseudonym(each));
    said.data.close_list();
    said.data.add("shared_with_all", dataset.shared_with_all);
    said.secrets.emplace_back("tenant", json_string(dataset.owner.value));
    JsonText secret;
    secret.open();
    secret.add("sha256", dataset.sha256);
    write_private_replicas(secret, dataset.replicas);
    secret.close();
    said.secrets.emplace_back("dataset", secret.take());
  }
  void operator()(const BudgetChanged& entry) {
    said.type = leaf_type::budget_changed;
    said.tenant = writer.pseudonym(entry.tenant);
    said.secrets.emplace_back("tenant", json_string(entry.tenant.value));
    said.secrets.emplace_back("principal", json_string(entry.principal));
    if (!entry.budget) {
      said.reason = "removed";
      return;
    }
    said.data.add("limit", entry.budget->limit);
    said.data.add("period", to_string(entry.budget->period));
    said.data.add("version", entry.budget->version);
  }
  void operator()(const RatesChanged& entry) {
    said.type = leaf_type::rates_changed;
    said.data.add("version", entry.table.version);
    said.data.add("accounting_currency", entry.table.accounting_currency);
    said.data.open_list("rates");
    for (const auto& [currency, rate] : entry.table.rates_ppm) {
      said.data.open();
      said.data.add("currency", currency);
      said.data.add("rate", to_decimal(rate));
      said.data.close();
    }
    said.data.close_list();
    said.secrets.emplace_back("principal", json_string(entry.principal));
  }

 private:
  void about(const AttemptId& attempt) { said.subject = to_string(attempt); }
  void record(const SignedRecord& record) {
    if (const auto header = decode_record_header(record.body)) {
      said.subject = header->subject.value;
      if (const auto site = site_of(header->subject)) said.site = site->value;
      said.reason = to_string(header->kind);
      said.data.add("kind", to_string(header->kind));
      said.data.open("version");
      said.data.add("epoch", header->version.epoch);
      said.data.add("version", header->version.version);
      said.data.close();
      said.data.add("issued", header->issued);
      said.data.add("valid_until", header->valid_until);
    }
    said.data.add("body", base64_encode(record.body));
    said.data.add("signature", base64_encode(record.signature));
  }
};

// Of a job or an attempt.
void name_job(LeafKeys& keys, std::string_view subject) {
  const auto number = subject.find('#');
  keys.job = subject.substr(0, number);
  if (number != std::string_view::npos) keys.attempt = subject;
}

}  // namespace

LeafWriter::LeafWriter(std::string source, BytesView secret)
    : source_(std::move(source)), hmac_(secret) {}

Bytes LeafWriter::salt_of(Sequence sequence, std::string_view field) const {
  return hmac_(fmt::format("salt\n{}\n{}", sequence.value, field));
}

std::string LeafWriter::pseudonym(const TenantId& tenant) const {
  const std::lock_guard lock(newest_->mutex);
  if (newest_->pseudonym.empty() || newest_->tenant != tenant.value) {
    newest_->tenant = tenant.value;
    newest_->pseudonym = hex(hmac_("tenant\n" + tenant.value).substr(0, kPseudonymBytes));
  }
  return newest_->pseudonym;
}

Leaf LeafWriter::write(Sequence sequence, const Entry& entry) const {
  Said said;
  said.data.open();
  std::visit(Say{*this, said}, entry.body);
  if (!said.secrets.empty()) {
    said.data.open("commitments");
    for (const auto& [field, value] : said.secrets) {
      said.data.add(field, hex(sha256(salt_of(sequence, field) + value)));
    }
    said.data.close();
  }
  said.data.close();

  JsonText event;
  const auto attribute = [&event](std::string_view name, std::string_view value) {
    if (!value.empty()) event.add(name, value);
  };
  event.open();
  event.add("specversion", "1.0");
  event.add("id", std::to_string(sequence.value - 1));
  event.add("source", source_);
  event.add("type", said.type);
  event.add("time", entry.at);
  event.add("recordedtime", entry.at);
  attribute("subject", said.subject);
  attribute("site", said.site);
  attribute("tenant", said.tenant);
  attribute("reason", said.reason);
  attribute("traceparent", said.traceparent);
  event.add("datacontenttype", "application/json");
  Leaf leaf;
  // With room for the member's name and the brace at the end.
  if (event.text().size() + said.data.text().size() + 16 <= limits::leaf_bytes_max) {
    event.add_text("data", said.data.text());
  } else {
    leaf.data = said.data.take();
    const std::string digest = hex(sha256(*leaf.data));
    event.add("dataref", "/v1/audit/data/" + digest);
    event.add("datasha256", digest);
  }
  event.close();
  leaf.event = event.take();
  LeafKeys& keys = leaf.keys.emplace();
  keys.type = said.type;
  keys.recorded = entry.at;
  if (leaf_type::is_of_job(said.type)) name_job(keys, said.subject);
  keys.tenant = std::move(said.tenant);
  keys.site = std::move(said.site);
  keys.reason = std::move(said.reason);
  return leaf;
}

std::optional<Bytes> LeafWriter::opening(Sequence sequence, const Entry& entry) const {
  Said said;
  said.data.open();
  std::visit(Say{*this, said}, entry.body);
  if (said.secrets.empty()) return std::nullopt;
  JsonText out;
  out.open();
  out.add("index", sequence.value - 1);
  out.open("openings");
  for (const auto& [field, value] : said.secrets) {
    out.open(field);
    out.add("salt", hex(salt_of(sequence, field)));
    out.add("value", value);
    out.close();
  }
  out.close();
  out.close();
  return out.take();
}

Result<LeafKeys> leaf_keys(BytesView event) {
  const auto document = read_json("leaf", event);
  if (!document) return fail(document.error());
  std::optional<Error> error;
  const JsonMembers in(document->get_object(), error);
  LeafKeys keys;
  keys.type = in.text("type");
  if (!in.has("recordedtime")) in.fault("recordedtime", "is missing");
  keys.recorded = in.time("recordedtime").value_or(Wall::time_point{});
  keys.tenant = in.text("tenant");
  keys.site = in.text("site");
  keys.reason = in.text("reason");
  if (leaf_type::is_of_job(keys.type)) name_job(keys, in.text("subject"));
  if (error) return fail(std::move(*error));
  return keys;
}

}  // namespace tradewind
