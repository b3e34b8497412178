@0xda63c73f3c67e021;
using V = import "vocabulary.capnp";
using Job = import "job.capnp";
using Dataset = import "dataset.capnp";
using Decision = import "decision.capnp";
using Dispatch = import "dispatch.capnp";
struct JournalEntry {
  at @0 :V.Time;
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
  }
}
struct TermBegan {
  term @0 :UInt64;
}
struct JobSubmitted {
  job @0 :Text;
  tenant @1 :Text;
  principal @2 :Text;
  idempotencyKey @3 :Text;
  spec @4 :Job.JobSpec;
  quote @5 :Decision.QuoteTerms;
  traceparent @6 :Text;
}
struct JobDecided {
  attempt @0 :V.AttemptId;
  decision @1 :Decision.Decision;
}
struct ClearedJob {
  job @0 :Text;
  excluded @1 :List(Text);
}
struct JobsCleared {
  jobs @0 :List(ClearedJob);
}
struct JobUnroutable {
  job @0 :Text;
  decision @1 :Decision.Decision;
}
struct CancelRequested {
  job @0 :Text;
  principal @1 :Text;
}
struct JobExpired {
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
  attempt @0 :V.AttemptId;
  reason @1 :Text;
}
struct InviteIssued {
  tokenSha256 @0 :Text;
  site @1 :Text;
  unitsMax @2 :UInt32;
  expires @3 :V.Time;
}
struct MemberChanged {
  record @0 :V.SignedRecord;
  tokenSha256 @1 :Text;
}
struct Rate {
  currency @0 :Text;
  rate @1 :V.Ppm;
}
struct RatesChanged {
  version @0 :UInt64;
  accountingCurrency @1 :Text;
  rates @2 :List(Rate);
  principal @3 :Text;
}
struct DatasetChanged {
  name @0 :Text;
  principal @1 :Text;
  dataset @2 :Dataset.Dataset;
}
struct MarketRecorded {
  record @0 :V.SignedRecord;
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
  dispatching @0;
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
  granted @4 :V.Time;
  started @5 :V.Time;
  over @6 :V.Time;
  refusal @7 :Dispatch.RefusalCode;
  detail @8 :Text;
  report @9 :Dispatch.EndReport;
}
struct JobRecord {
  job @0 :Text;
  array @1 :Text;
  arrayIndex @2 :UInt32;
  tenant @3 :Text;
  principal @4 :Text;
  spec @5 :Job.JobSpec;
  state @6 :JobState;
  submitted @7 :V.Time;
  ended @8 :V.Time;
  cancelRequested @9 :Bool;
  attemptsCount @10 :UInt32;
  attemptsGranted @11 :UInt32;
  attempts @12 :List(AttemptRecord);
  unplaced @13 :Decision.Decision;
  endReason @14 :Text;
  charged @15 :V.Micros;
  arrayCount @16 :UInt32;
  quote @17 :Decision.QuoteTerms;
}
