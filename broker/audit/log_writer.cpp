#include "broker/audit/log_writer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "state/identity/digest.h"
#include "state/identity/random.h"

namespace tradewind {
namespace {

constexpr std::size_t kTilesAWrite = 1'024;
// Nobody waits for the log as callers wait for the broker's other threads: so often these may go
// first, unless a write takes so long by that or the log is so many entries behind.
constexpr std::size_t kEntriesATurn = 32;
constexpr std::chrono::milliseconds kPatience{50};
constexpr std::uint64_t kPatienceEntries = 16'384;
constexpr std::size_t kSecretBytes = 32;
constexpr std::string_view kSecretKey = "leaf-secret";

// The tiles of a tree with `head.size` leaves, computed from the bundles and written; the partial
// ones last, so that a rebuild that was cut short is begun again. Roots must be those of `head`
// and of what was signed.
Status rebuild_tiles(LogStore& store, const TreeHead& head,
                     const std::optional<TreeHead>& signed_head) {
  const auto differ = [](std::uint64_t size) {
    return fail(ErrorCode::corrupt, "log",
                fmt::format("the tiles are missing, and the bundles do not lead to the root at {} "
                            "leaves",
                            size),
                "restore the journal's directory as a whole from a backup that holds all that was "
                "signed; signing must not go on from here");
  };
  spdlog::warn("log.tiles_missing size={}: they are computed from the bundles", head.size);
  RightEdge edge;
  Hasher hasher;
  LogBatch batch;
  while (edge.size() < head.size) {
    const BundleId id{edge.size() / tile_width, static_cast<unsigned>(std::min<std::uint64_t>(
                                                    tile_width, head.size - edge.size()))};
    const auto bytes = store.read(id);
    if (!bytes) return fail(bytes.error());
    const auto leaves = decode_bundle(id, *bytes);
    if (!leaves) return fail(leaves.error());
    for (const BytesView each : *leaves) {
      edge.push(hasher.leaf(each), batch.tiles);
      if (signed_head && edge.size() == signed_head->size && edge.root() != signed_head->root) {
        return differ(edge.size());
      }
    }
    if (batch.tiles.size() < kTilesAWrite) continue;
    if (const Status written = store.write(std::exchange(batch, {})); !written) return written;
  }
  if (edge.root() != head.root) return differ(edge.size());
  std::ranges::move(edge.partial_tiles(), std::back_inserter(batch.tiles));
  return store.write(batch);
}

// The newest signed checkpoint, which must be this log's.
Result<std::optional<Checkpoint>> open_stored(const std::optional<Bytes>& note,
                                              const VerifierKey& key) {
  if (!note) return std::optional<Checkpoint>();
  const auto opened = open_checkpoint(*note, key);
  if (opened) return std::optional(opened->checkpoint);
  const auto parsed = parse_note(*note);
  const auto other = parsed ? parse_checkpoint(parsed->text) : Result<Checkpoint>();
  if (!parsed || !other) {
    return fail(ErrorCode::corrupt, "log",
                "the checkpoint signed last does not read: " + opened.error().message,
                "restore the journal's directory as a whole from a backup");
  }
  if (other->origin != key.name) {
    return fail(ErrorCode::conflict, "--log-origin",
                "the log in the journal is \"" + other->origin + "\", not \"" + key.name + "\"",
                "start with --log-origin " + other->origin);
  }
  return fail(ErrorCode::conflict, "log.key",
              "the checkpoint signed last is not by this key: " + opened.error().message,
              "put the log.key back that the journal's log was signed with");
}

}  // namespace

Result<Bytes> leaf_secret(Journal& journal) {
  Bytes secret;
  const Status read =
      journal.values(kSecretKey, [&](std::string_view, BytesView value) { secret = value; });
  if (!read) return fail(read.error());
  if (!secret.empty()) return secret;
  secret = random_bytes(kSecretBytes);
  const Status made =
      journal.commit({.entries = {}, .jobs = {}, .values = {{std::string(kSecretKey), secret}}});
  if (!made) return fail(made.error());
  return secret;
}

LogWriter::LogWriter(std::string origin, Journal& journal, LeafMaker make, SigningKey key,
                     LogWriteLimits limits, EntryFeed* feed, Term term, Log log, LogIndex index)
    : origin_(std::move(origin)),
      journal_(&journal),
      store_(&journal.log()),
      make_(std::move(make)),
      key_(std::move(key)),
      limits_(limits),
      feed_(feed),
      term_(term),
      log_(std::move(log)),
      index_(std::move(index)) {}

Result<LogWriter> LogWriter::recover(std::string origin, Journal& journal, LeafMaker make,
                                     SigningKey key, LogWriteLimits limits, EntryFeed* feed) {
  LogStore& store = journal.log();
  const auto head = store.head();
  if (!head) return fail(head.error());
  const auto term = store.term();
  if (!term) return fail(term.error());
  auto note = store.checkpoint();
  if (!note) return fail(note.error());
  auto checkpoint = open_stored(*note, VerifierKey{origin, KeyType::ed25519, key.public_key()});
  if (!checkpoint) return fail(checkpoint.error());
  if (journal.last().value < head->size) {
    return fail(
        ErrorCode::corrupt, "journal",
        fmt::format("it has {} entries, but {} are in the log", journal.last().value, head->size),
        "restore the journal's directory as a whole from a backup that holds all that was "
        "published");
  }
  const std::optional<TreeHead> signed_head =
      *checkpoint ? std::optional((*checkpoint)->head) : std::nullopt;
  if (const auto edge = RightEdge::load(head->size, store.tile_reader());
      !edge && edge.error().code == ErrorCode::not_found) {
    const Status rebuilt = rebuild_tiles(store, *head, signed_head);
    if (!rebuilt) return fail(rebuilt.error());
  }
  auto log = Log::recover(origin, *head, signed_head, store.tile_reader(), store.bundle_reader());
  if (!log) return fail(log.error());
  auto index = LogIndex::recover(store, head->size);
  if (!index) return fail(index.error());

  LogWriter writer(std::move(origin), journal, std::move(make), std::move(key), limits, feed, *term,
                   std::move(*log), std::move(*index));
  if (*note) {
    auto parsed = parse_note(**note);
    if (!parsed) return fail(parsed.error());
    writer.signed_ = std::move(*parsed);
  }
  writer.stored_ = std::move(*note);
  writer.checkpoint_ = std::move(*checkpoint);
  return writer;
}

Status LogWriter::read(const std::function<bool(Sequence, const Entry&)>& take) {
  while (feed_ != nullptr) {
    if (fed_at_ == fed_.size()) {
      fed_ = feed_->take(Sequence{log_.size() + 1});
      fed_at_ = 0;
    }
    if (fed_.empty()) break;
    while (fed_at_ < fed_.size()) {
      if (!take(Sequence{log_.size() + 1}, fed_[fed_at_++])) return ok();
    }
  }
  return log_.size() < journal_->last().value ? journal_->read(Sequence{log_.size() + 1}, take)
                                              : ok();
}

Status LogWriter::write() {
  LogBatch batch;
  Status status = ok();
  std::size_t entries = 0;
  std::size_t bytes = 0;
  const bool far_behind = journal_->last().value - log_.size() >= kPatienceEntries;
  const auto patient_until =
      std::chrono::steady_clock::now() + (far_behind ? std::chrono::milliseconds(0) : kPatience);
  const auto take = [&](Sequence sequence, const Entry& entry) {
    if (entries % kEntriesATurn == kEntriesATurn - 1 &&
        std::chrono::steady_clock::now() < patient_until) {
      std::this_thread::yield();
    }
    Leaf leaf = make_(sequence, entry);
    const auto index = log_.append(leaf.event);
    if (!index) {
      status = fail(index.error());
      return false;
    }
    if (const Status indexed = index_.add(leaf.keys); !indexed) {
      status = indexed;
      return false;
    }
    bytes += leaf.event.size();
    if (leaf.data) {
      bytes += leaf.data->size();
      batch.data.push_back({sha256(*leaf.data), std::move(*leaf.data)});
    }
    return ++entries < limits_.entries && bytes < limits_.bytes;
  };
  if (const Status read = this->read(take); !read) return read;
  if (!status) return status;
  auto publication = log_.publish();
  if (!publication) return ok();
  batch.tiles = std::move(publication->tiles);
  batch.bundles = std::move(publication->bundles);
  batch.head = publication->head;
  index_.take(batch);
  if (const Status written = store_->write(batch); !written) return written;
  unsigned_ = std::move(publication->checkpoint);
  return ok();
}

Status LogWriter::swap(Note next) {
  Bytes bytes = format_note(next);
  if (const Status swapped = store_->swap_checkpoint(stored_, bytes, term_); !swapped) {
    return swapped;
  }
  signed_ = std::move(next);
  stored_ = std::move(bytes);
  return ok();
}

Result<bool> LogWriter::sign() {
  if (!unsigned_) return false;
  const auto term = store_->term();
  if (!term) return fail(term.error());
  if (*term != term_) {
    return fail(
        ErrorCode::conflict, "term",
        fmt::format("the journal's term is {}, this broker's was {}", term->value, term_.value),
        "leave the journal to the broker that began the newer term");
  }
  auto checkpoint = parse_checkpoint(*unsigned_);
  if (!checkpoint) return fail(checkpoint.error());
  Note note{*unsigned_, {sign_note(*unsigned_, origin_, key_)}};
  if (const Status swapped = swap(std::move(note)); !swapped) return fail(swapped.error());
  checkpoint_ = std::move(*checkpoint);
  unsigned_.reset();
  return true;
}

Status LogWriter::add_cosignatures(const std::vector<NoteSignature>& cosignatures) {
  Note next = signed_;
  for (const NoteSignature& each : cosignatures) {
    const auto same = std::ranges::find_if(next.signatures, [&](const NoteSignature& held) {
      return held.name == each.name && held.key_id == each.key_id;
    });
    if (same == next.signatures.end()) {
      next.signatures.push_back(each);
    } else {
      *same = each;
    }
  }
  return next == signed_ ? ok() : swap(std::move(next));
}

Result<std::vector<Hash>> LogWriter::prove(std::uint64_t old_size) const {
  TileHashes tree(checkpoint_ ? checkpoint_->head.size : 0, store_->tile_reader());
  return prove_consistency(old_size, tree);
}

}  // namespace tradewind
