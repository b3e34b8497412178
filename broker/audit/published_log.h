// The transparency log as it is shown: the newest checkpoint, and what that covers. Readers get
// what was written, byte for byte; nothing of it is made again. Any thread; nothing waits for the
// broker.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/audit/leaf.h"
#include "broker/audit/log_index.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/journal/journal.h"
#include "state/transparency/checkpoint.h"

namespace tradewind {

struct ShownCheckpoint {
  Checkpoint checkpoint;
  Bytes note;  // signed by the log and by those who cosigned it
  Wall::time_point shown{};
  std::size_t cosignatures = 0;
};

// How publishing goes, apart from what is shown.
struct PublisherState {
  std::uint64_t written = 0;         // leaves, signed or not
  std::uint64_t publications = 0;    // checkpoints shown
  std::uint64_t cosignatures = 0;    // got
  bool quorum = true;                // whether the newest checkpoint has as many as asked for
  std::vector<std::string> missing;  // who did not cosign it, and why
  std::optional<Error> error;        // after which nothing more is published
};

// Entries `first` to before `end`; none when they are equal.
struct LogRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  friend bool operator==(const LogRange&, const LogRange&) = default;
};

struct LogRow {
  std::uint64_t index = 0;
  Bytes event;
  LeafKeys keys;
};
struct LogPage {
  std::vector<LogRow> rows;
  std::optional<std::uint64_t> next;  // the index to go on from; nothing: all were looked at
};

class PublishedLog {
 public:
  // All must outlive it; `key` is that of the log.
  PublishedLog(const Journal& journal, const LogStore& store, const LeafWriter& leaves,
               VerifierKey key);

  // --- of the publisher
  void show(ShownCheckpoint checkpoint);
  void count(std::uint64_t written);
  void count_gathered(std::size_t cosignatures, bool quorum, std::vector<std::string> missing);
  void fail_with(Error error);

  // --- of readers
  // Calls `what` on the publisher's thread whenever something was shown; empty: nobody is called.
  // One at a time; once it returns, the former one is not called any more.
  void on_shown(std::function<void()> what);
  const VerifierKey& key() const { return key_; }
  // Null: nothing was shown yet. What follows takes one that was shown, so that an answer made of
  // several of them speaks of one tree.
  std::shared_ptr<const ShownCheckpoint> shown() const;
  // Fail with not_found where the checkpoint does not cover them, or as the store does.
  Result<Bytes> tile(const ShownCheckpoint& at, const TileId& id) const;
  Result<Bytes> bundle(const ShownCheckpoint& at, const BundleId& id) const;
  Result<Bytes> entry(const ShownCheckpoint& at, std::uint64_t index) const;
  // Receipt in its text form.
  Result<Bytes> receipt(const ShownCheckpoint& at, std::uint64_t index) const;
  // Of the SHA-256 in hexadecimal. Fails with invalid, not_found, or corrupt when the bytes are
  // others.
  Result<Bytes> data(std::string_view sha256_hex) const;
  // What opens the entry's commitments, a JSON object. Fails with not_found when it has none.
  Result<Bytes> opening(const ShownCheckpoint& at, std::uint64_t index) const;
  // Of the period from `after` to before `before`; absent: open.
  Result<LogRange> range(const ShownCheckpoint& at, std::optional<Wall::time_point> after,
                         std::optional<Wall::time_point> before) const;
  // How many entries are durable by now, published or not.
  std::uint64_t durable() const { return journal_.last().value; }
  // The entries of the range that the filter wants, in order, at most `limit` and some megabytes.
  Result<LogPage> query(const LogFilter& filter, LogRange range, std::size_t limit) const;
  // The pseudonym of the tenant that the leaf is about; empty when it is about none.
  Result<std::string> tenant_of(const LeafKeys& keys) const;
  Result<std::string> site_of(const LeafKeys& keys) const;
  std::string pseudonym(const TenantId& tenant) const { return leaves_.pseudonym(tenant); }
  PublisherState state() const;
  // Prometheus text.
  std::string metrics(Wall::time_point now) const;

 private:
  Result<Wall::time_point> recorded(const ShownCheckpoint& at, std::uint64_t index) const;

  const Journal& journal_;
  const LogStore& store_;
  const LeafWriter& leaves_;
  const VerifierKey key_;

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const ShownCheckpoint> shown_;
  PublisherState state_;

  std::mutex told_mutex_;  // guards what follows, and is held while it is called
  std::function<void()> told_;
};

}  // namespace tradewind
