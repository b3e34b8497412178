// Makes the log from the journal: writes the leaves of durable entries, and signs checkpoints over
// what is written, in that order and each durably. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/audit/entry_feed.h"
#include "broker/audit/leaf.h"
#include "broker/audit/log_index.h"
#include "schemas/result.h"
#include "state/identity/keys.h"
#include "state/journal/journal.h"
#include "state/transparency/log.h"

namespace tradewind {

// The secret of the journal's leaves (leaf.h), 32 random bytes that are made once and kept among
// its named values. Before the broker commits anything.
Result<Bytes> leaf_secret(Journal& journal);

using LeafMaker = std::function<Leaf(Sequence, const Entry&)>;

// What one write takes at most, so that neither memory nor a commit beside it suffers: that waits
// while the store writes this.
struct LogWriteLimits {
  std::size_t entries = 4'096;
  std::size_t bytes = 4ULL * 1024 * 1024;  // of leaves and their data
};

class LogWriter {
 public:
  // Goes on where the log stopped; on a journal without one, from the first entry. `key` signs
  // under the name `origin`, one for is_key_name; the journal outlives this and has begun its
  // term. Tiles that are missing are computed again from the bundles. Refuses, rather than goes
  // on, with ErrorCode::corrupt when what is stored is not what was signed or is more than the
  // journal has, and with conflict when it was signed with another key or under another origin.
  // `feed`, if there is one, outlives this.
  static Result<LogWriter> recover(std::string origin, Journal& journal, LeafMaker make,
                                   SigningKey key, LogWriteLimits limits = {},
                                   EntryFeed* feed = nullptr);

  // Writes the leaves of the next entries, if there are any, within the limits. After an error the
  // log goes on with a new LogWriter only.
  Status write();
  // Leaves that are written.
  std::uint64_t size() const { return log_.size(); }
  // Whether the journal has more.
  bool behind() const { return journal_->last().value > log_.size(); }

  // Signs what is written; false when it was signed already. Fails with ErrorCode::conflict, and
  // signs nothing, when the journal's term is not the one in which this began or another
  // checkpoint was signed meanwhile.
  Result<bool> sign();
  // The newest that is signed; nothing before the first.
  const std::optional<Checkpoint>& checkpoint() const { return checkpoint_; }
  // With the log's signature alone, and with those of witnesses.
  Bytes signed_note() const { return format_note({signed_.text, {signed_.signatures.front()}}); }
  Bytes cosigned_note() const { return format_note(signed_); }
  std::size_t cosignatures() const { return signed_.signatures.size() - 1; }
  // Keeps signatures of witnesses under the newest checkpoint, in the place of older ones by the
  // same keys. Fails as sign does.
  Status add_cosignatures(const std::vector<NoteSignature>& cosignatures);
  // That the tree with `old_size` leaves begins the newest checkpoint's.
  Result<std::vector<Hash>> prove(std::uint64_t old_size) const;

 private:
  LogWriter(std::string origin, Journal& journal, LeafMaker make, SigningKey key,
            LogWriteLimits limits, EntryFeed* feed, Term term, Log log, LogIndex index);
  // Calls `take` for the entries that have no leaf yet, in order, until it returns false.
  Status read(const std::function<bool(Sequence, const Entry&)>& take);
  Status swap(Note next);

  std::string origin_;
  Journal* journal_;
  LogStore* store_;
  LeafMaker make_;
  SigningKey key_;
  LogWriteLimits limits_;
  EntryFeed* feed_;
  std::vector<Entry> fed_;  // what the feed gave last; leaves are made up to fed_at_
  std::size_t fed_at_ = 0;
  Term term_;
  Log log_;
  LogIndex index_;
  std::optional<Bytes> unsigned_;  // the text over what is written and not signed
  Note signed_;                    // the log's signature first
  std::optional<Bytes> stored_;    // the checkpoint as the store has it
  std::optional<Checkpoint> checkpoint_;
};

}  // namespace tradewind
