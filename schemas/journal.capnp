@0xda63c73f3c67e021;
# The broker's journal and the job table that it folds into. C++ side: journal.h.
#
# One entry is one fact. The broker writes a batch of entries with one sync, and only then answers
# users and dispatches. Its state is what applying all entries in order gives. Entries are never
# rewritten, so each stays readable by every later version.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
using V = import "vocabulary.capnp";
using Job = import "job.capnp";
using Dataset = import "dataset.capnp";
using Decision = import "decision.capnp";
using Dispatch = import "dispatch.capnp";

struct JournalEntry {
  at @0 :V.Time;  # never decreases with the sequence
  body :union {
    termBegan @1 :TermBegan;
    jobSubmitted @2 :JobSubmitted;
    jobDecided @3 :JobDecided;
    jobUnroutable @4 :JobUnroutable;
    cancelRequested @5 :CancelRequested;
    jobExpired @6 :JobExpired;
    attemptGranted @7 :AttemptGranted;
    attemptRefused @8 :AttemptRefused;
    attemptAdvanced @9 :AttemptAdvanced;
    attemptFinished @10 :AttemptFinished;
    attemptLost @11 :AttemptLost;
    inviteIssued @12 :InviteIssued;
    memberChanged @13 :MemberChanged;
    datasetChanged @14 :DatasetChanged;
    ratesChanged @15 :RatesChanged;
    jobsCleared @16 :JobsCleared;
    marketRecorded @17 :MarketRecorded;
    trustChanged @18 :TrustChanged;
    siteQuarantined @19 :SiteQuarantined;
    budgetChanged @20 :BudgetChanged;
  }
}

struct TermBegan {
  # The first entry of each reign of a broker.
  term @0 :UInt64;
}
struct JobSubmitted {
  # One job, or an array when spec.arrayCount > 0.
  job @0 :Text;
  tenant @1 :Text;
  principal @2 :Text;       # who submitted: the token's name
  idempotencyKey @3 :Text;  # none: none
  spec @4 :Job.JobSpec;
  quote @5 :Decision.QuoteTerms;  # of a job that was submitted with a quote; none: none
  traceparent @6 :Text;     # W3C Trace Context of the request; none: none
}
struct JobDecided {
  # The router chose a site; attempt.number is new. The dispatch follows the commit.
  attempt @0 :V.AttemptId;
  decision @1 :Decision.Decision;
}
struct ClearedJob {
  job @0 :Text;
  excluded @1 :List(Text);  # sites; sorted, none twice
}
struct JobsCleared {
  # Jobs that contended were given places together: the next entries are the decisions about those
  # that got one. Changes no job.
  jobs @0 :List(ClearedJob);  # in their turn
}
struct JobUnroutable {
  # Nothing offered could ever run it. Ends the job.
  job @0 :Text;
  decision @1 :Decision.Decision;
}
struct CancelRequested {
  job @0 :Text;
  principal @1 :Text;
}
struct JobExpired {
  # Its queue time ran out, or its attempts did, with none alive. Ends the job.
  job @0 :Text;
  reason @1 :Text;
}
struct AttemptGranted {
  attempt @0 :V.AttemptId;
}
struct AttemptRefused {
  attempt @0 :V.AttemptId;
  code @1 :Dispatch.RefusalCode;
  detail @2 :Text;
}
struct AttemptAdvanced {
  attempt @0 :V.AttemptId;
  phase @1 :Dispatch.AttemptPhase;
}
struct AttemptFinished {
  attempt @0 :V.AttemptId;
  report @1 :Dispatch.EndReport;
}
struct AttemptLost {
  # No word, and over for sure; or the site denies knowing it.
  attempt @0 :V.AttemptId;
  reason @1 :Text;
}
struct InviteIssued {
  tokenSha256 @0 :Text;  # lower-case hex; the token itself is never stored
  site @1 :Text;
  unitsMax @2 :UInt32;
  expires @3 :V.Time;
}
struct MemberChanged {
  # A member was admitted, renewed, suspended or revoked.
  record @0 :V.SignedRecord;  # of kind member, signed by the registry key
  tokenSha256 @1 :Text;       # the invite it consumed; none: none
  cause @2 :MemberCause;
  # What follows is of sites.
  renewal @3 :Data;           # the newest renewal's id, 16 bytes, which may be asked for again; none: none
  recoveries @4 :List(V.Time);  # when it came back after its certificate had expired, in order; at most 16
  recoveryAllowed @5 :Bool;   # its next renewal is taken however late it is and whatever it knows
  principal @6 :Text;         # the operator who asked for it: the token's name; none: none
}
enum MemberCause {
  unsaid @0;           # in entries of before there were causes
  admitted @1;
  renewed @2;          # its certificate
  rotated @3;          # renewed, with another identity or link key
  recovered @4;        # renewed after its certificate had expired
  stateSet @5;         # by an operator
  locked @6;           # a renewal did not know the one before: two hold its key
  recoveryAllowed @7;  # by an operator
  resigned @8;         # says the same for longer
}
struct TrustChanged {
  # A newer trust record is in force: which keys the federation is built on.
  record @0 :Text;  # as it was signed; at most 64 KiB
}
struct Rate {
  currency @0 :Text;  # three capital letters
  rate @1 :V.Ppm;     # what one unit is worth in the accounting currency; 1 to 10^15
}
struct RatesChanged {
  # An operator set the rate table; decisions after this entry rest on it.
  version @0 :UInt64;           # that of the table before plus 1
  accountingCurrency @1 :Text;  # fixed once there are jobs
  rates @2 :List(Rate);         # sorted by currency, none twice; at most 256
  principal @3 :Text;           # who set it: the token's name
}

enum BudgetPeriod {
  none @0;   # for ever
  month @1;  # a calendar month in UTC
}
struct Budget {
  limit @0 :V.Micros;         # of a period, in the accounting currency; 0 or more
  period @1 :BudgetPeriod;
  version @2 :UInt64;         # the sequence of the entry that set it
}
struct BudgetChanged {
  # An operator set what a tenant may spend, or removed the bound.
  tenant @0 :Text;
  principal @1 :Text;         # who asked for it: the token's name
  budget @2 :Budget;          # none: removed
}

struct DatasetChanged {
  # A data set was made or described anew, or was removed.
  name @0 :Text;
  principal @1 :Text;            # who asked for it: the token's name
  dataset @2 :Dataset.Dataset;   # of that name; none: removed
}

struct MarketRecorded {
  # A record of a site or member, as it was signed, that the market view has taken: decisions after
  # this entry, and none before it in this term, rest on it.
  record @0 :V.SignedRecord;
}

struct SiteQuarantined {
  # A site has signed two stories. No decision after this entry in this term rests on its quotes,
  # until a member record names another identity key of it.
  proof @0 :V.Equivocation;
}

enum JobState {
  queued @0;
  dispatching @1;
  staging @2;
  running @3;
  finishing @4;
  succeeded @5;
  failed @6;
  canceled @7;
  unroutable @8;
}

enum AttemptState {
  dispatching @0;  # sent or about to be; the answer is outstanding
  granted @1;
  staging @2;
  running @3;
  finishing @4;
  ended @5;
  refused @6;
  lost @7;
}

struct AttemptRecord {
  number @0 :UInt32;
  state @1 :AttemptState;
  decision @2 :Decision.Decision;
  decided @3 :V.Time;
  granted @4 :V.Time;   # 0: not yet; also below
  started @5 :V.Time;   # first reported running
  over @6 :V.Time;
  refusal @7 :Dispatch.RefusalCode;  # when refused
  detail @8 :Text;                   # of a refusal or a loss
  report @9 :Dispatch.EndReport;     # when ended
}

struct JobRecord {
  # One job as the broker knows it: a row of the job table, rewritten in the batch of the entries
  # that changed it.
  job @0 :Text;
  array @1 :Text;            # of a task: its array
  arrayIndex @2 :UInt32;
  tenant @3 :Text;
  principal @4 :Text;
  spec @5 :Job.JobSpec;
  state @6 :JobState;
  submitted @7 :V.Time;
  ended @8 :V.Time;          # 0: not yet
  cancelRequested @9 :Bool;
  attemptsCount @10 :UInt32; # number of the newest attempt
  attemptsGranted @11 :UInt32;
  attempts @12 :List(AttemptRecord);
  unplaced @13 :Decision.Decision;  # why it was found unroutable
  endReason @14 :Text;       # for people, when it did not succeed
  charged @15 :V.Micros;     # over all attempts
  arrayCount @16 :UInt32;    # of a task: how many tasks its array has
  quote @17 :Decision.QuoteTerms;  # as submitted; none: none
}
