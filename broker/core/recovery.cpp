// The core's start: what it knew is read from the journal, and a new term begins.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <future>
#include <iterator>
#include <span>
#include <utility>

#include "broker/core/core.h"
#include "broker/core/value_keys.h"
#include "schemas/codec.h"

namespace tradewind {
namespace {

constexpr std::size_t kRowsAtOnce = 20'000;

}  // namespace

Status Core::load_values(std::string_view prefix, const std::function<void(const Entry&)>& apply) {
  Status status = ok();
  const auto read = journal_.values(prefix, [&](std::string_view key, BytesView value) {
    const auto entry = decode_entry(value);
    if (entry) {
      apply(*entry);
    } else if (status) {
      status = fail(ErrorCode::corrupt, std::string(key),
                    "is no entry of the broker: " + entry.error().message,
                    "restore the broker's store from a backup");
    }
  });
  return read ? status : read;
}

Status Core::load_rates() {
  RateTable table;
  Status status = ok();
  const auto read = journal_.values(value_keys::rates, [&](std::string_view key, BytesView value) {
    const auto entry = decode_entry(value);
    const auto* changed = entry ? std::get_if<RatesChanged>(&entry->body) : nullptr;
    if (changed != nullptr) {
      table = changed->table;
    } else {
      status = fail(ErrorCode::corrupt, std::string(key), "is no rate table",
                    "restore the broker's store from a backup");
    }
  });
  if (!read) return read;
  apply_rates(table);
  return status;
}

Status Core::load_trust_version() {
  Status status = ok();
  const auto read = journal_.values(value_keys::trust, [&](std::string_view key, BytesView value) {
    const auto entry = decode_entry(value);
    const auto* changed = entry ? std::get_if<TrustChanged>(&entry->body) : nullptr;
    const auto trust = changed != nullptr ? parse_trust(changed->record)
                                          : fail(ErrorCode::corrupt, "", "is no trust record");
    if (trust) {
      trust_version_ = trust->record.version;
    } else {
      status = fail(ErrorCode::corrupt, std::string(key), trust.error().message,
                    "restore the broker's store from a backup");
    }
  });
  if (!read) return read;
  if (trust_version_ > authority_->trust().newest().version) {
    return fail(ErrorCode::conflict, "--ca",
                fmt::format("its newest trust record has the version {}, the journal knows of {}",
                            authority_->trust().newest().version, trust_version_),
                "publish the newer trust record to this authority's directory");
  }
  return status;
}

Status Core::recover(const SigningKey& identity, const CurveKeys& curve_keys) {
  if (options_.log_key.size() > limits::log_key_bytes_max) {
    return fail(ErrorCode::too_large, "log key",
                fmt::format("has {} bytes, over the limit of {}", options_.log_key.size(),
                            limits::log_key_bytes_max),
                "give the log a shorter origin");
  }
  // Invitations come before members in the order of the keys, and a member's entry uses up its
  // invitation.
  auto loaded =
      load_values(value_keys::registry, [this](const Entry& each) { registry_.apply(each); });
  if (!loaded) return loaded;
  loaded = load_values(value_keys::dataset, [this](const Entry& each) { datasets_.apply(each); });
  if (!loaded) return loaded;
  std::vector<SignedRecord> sites;
  std::vector<SignedRecord> sheets;
  for (const auto& [kind, records] :
       {std::pair(RecordKind::site, &sites), std::pair(RecordKind::quote, &sheets)}) {
    loaded = load_values(value_keys::market(kind), [&](const Entry& each) {
      if (const auto* recorded = std::get_if<MarketRecorded>(&each.body)) {
        records->push_back(recorded->record);
      }
    });
    if (!loaded) return loaded;
  }
  std::vector<Equivocation> proofs;
  loaded = load_values(value_keys::quarantine, [&](const Entry& each) {
    if (const auto* quarantined = std::get_if<SiteQuarantined>(&each.body)) {
      proofs.push_back(quarantined->proof);
    }
  });
  if (!loaded) return loaded;
  if (auto loaded = load_rates(); !loaded) return loaded;
  if (auto loaded = load_budgets(); !loaded) return loaded;
  if (auto loaded = load_trust_version(); !loaded) return loaded;

  Term term{1};
  Status status = journal_.values(journal_term_key, [&](std::string_view, BytesView value) {
    std::uint64_t last = 0;
    std::from_chars(value.data(), value.data() + value.size(), last);
    term.value = last + 1;
  });
  if (!status) return status;
  Wall::time_point newest{};
  if (journal_.last().value > 0) {
    status = journal_.read(journal_.last(), [&](Sequence, const Entry& entry) {
      newest = entry.at;
      return false;
    });
    if (!status) return status;
  }
  const Now now = system_now();
  router_.expire(now);
  if (status = recover_jobs(); !status) return status;

  FederationOptions federation;
  federation.self = options_.self;
  federation.bind = options_.link_bind;
  federation.message_age_max = options_.link_message_age_max;
  federation.registry_keys = authority_->trust().newest().registry_keys;
  federation.curve_keys = curve_keys;
  federation.seed = stable_hash(to_rfc3339(now.wall));
  auto started = Federation::start(
      std::move(federation),
      {.record =
           [this](Record record, SignedRecord bytes) {
             push([this, record = std::move(record),
                   bytes = std::move(bytes)]() mutable { on_record(record, std::move(bytes)); },
                  false);
           },
       .quarantined =
           [this](const SiteId& site, Equivocation proof) {
             push(
                 [this, site, proof = std::move(proof)]() mutable {
                   router_.quarantine(site, std::move(proof));
                 },
                 false);
           },
       .message =
           [this](const SiteId& site, ToBroker message) {
             if (const auto* cosigned = std::get_if<CosignAnswer>(&message.body)) {
               if (options_.on_cosigned) options_.on_cosigned(site, *cosigned);
               return;
             }
             push([this, site,
                   message = std::move(message)]() mutable { on_site(site, std::move(message)); },
                  true);
           }});
  if (!started) return fail(std::move(started.error()));
  federation_ = std::move(*started);

  lifecycle_.begin(term, newest, now);
  quotes_.begin(term);
  flush();
  JournalBatch batch;
  batch.values.push_back({std::string(journal_term_key), std::to_string(term.value)});
  const std::string endpoint =
      options_.link_advertise.empty() ? federation_->endpoint() : options_.link_advertise;
  commit(batch);
  self_.node = options_.self;
  self_.identity_key = identity.public_key();
  self_.curve_key = curve_keys.public_key;
  self_.endpoint = endpoint;
  self_.log_key = options_.log_key;
  if (const Status admitted = commit_trust(now); !admitted) return admitted;
  // What decisions relied on before comes right after the members: nobody who is connected by now
  // gets an older record in first. Sites that are quarantined show, and none of their sheets
  // counts.
  federation_->publish(registry_.records());
  federation_->publish(std::move(sites));
  federation_->publish(std::move(proofs));
  federation_->publish(std::move(sheets));
  spdlog::info("broker.recovered term={} live_jobs={} entries={} link={}", term.value,
               lifecycle_.live(), journal_.last().value, endpoint);
  return ok();
}

// Reading what rows say is most of a start with many jobs, and is done on all processors.
Status Core::recover_jobs() {
  std::vector<Bytes> rows;
  Status status = ok();
  const auto recover = [&] {
    const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
    const std::size_t each_has = (rows.size() + threads - 1) / threads;
    std::vector<std::future<std::vector<Result<StoredJob>>>> parts;
    for (std::size_t first = 0; first < rows.size(); first += each_has) {
      const std::span part(rows.data() + first, std::min(each_has, rows.size() - first));
      parts.push_back(std::async(std::launch::async, [part] {
        std::vector<Result<StoredJob>> jobs;
        jobs.reserve(part.size());
        for (Bytes& row : part) jobs.push_back(StoredJob::read(std::move(row)));
        return jobs;
      }));
    }
    for (auto& part : parts) {
      for (const Result<StoredJob>& job : part.get()) {
        if (job) {
          lifecycle_.recover(*job);
        } else if (status) {
          status = fail(ErrorCode::corrupt, "journal",
                        "the record of a live job does not read: " + describe(job.error()),
                        "restore the broker's store from a backup");
        }
      }
    }
    rows.clear();
  };
  const Status read = journal_.live_jobs([&](Bytes row) {
    rows.push_back(std::move(row));
    if (rows.size() == kRowsAtOnce) recover();
  });
  recover();
  return read ? status : read;
}

}  // namespace tradewind
