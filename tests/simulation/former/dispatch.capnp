@0xa37f176dca02258f;
using V = import "vocabulary.capnp";
using Job = import "job.capnp";
struct ToGateway {
  term @0 :UInt64;
  body :union {
    dispatch @1 :Dispatch;
    renewLeases @2 :RenewLeases;
    cancel @3 :CancelAttempt;
    ask @4 :AskAttempt;
    acknowledgeEnd @5 :AcknowledgeEnd;
    readLog @6 :ReadLog;
    cosignCheckpoint @7 :CosignCheckpoint;
  }
}
struct Assignment {
  tenant @0 :Text;
  jobName @1 :Text;
  pool @2 :Text;
  nodes @3 :UInt32;
  units @4 :UInt32;
  preemptible @5 :Bool;
  resources @6 :V.Resources;
  executors @7 :List(Job.Executor);
  inputs @8 :List(Job.Input);
  outputs @9 :List(Job.Output);
  volumes @10 :List(Text);
  env @11 :List(V.Entry);
  network @12 :Bool;
  onDisconnect @13 :Job.OnDisconnect;
  runSecondsMax @14 :UInt64;
  price @15 :V.Ppm;
  rate @16 :V.Micros;
  quoteVersion @17 :V.RecordVersion;
  conversion @18 :V.Ppm = 1000000;
  contract @19 :Text;
  contractUnits @20 :UInt32;
}
struct Dispatch {
  attempt @0 :V.AttemptId;
  assignment @1 :Assignment;
  leaseSeconds @2 :UInt32;
}
struct RenewLeases {
  attempts @0 :List(V.AttemptId);
  leaseSeconds @1 :UInt32;
}
struct CancelAttempt {
  attempt @0 :V.AttemptId;
}
struct AskAttempt {
  attempt @0 :V.AttemptId;
}
struct AcknowledgeEnd {
  attempt @0 :V.AttemptId;
}
enum LogStream {
  out @0;
  err @1;
}
struct ReadLog {
  request @0 :UInt64;
  attempt @1 :V.AttemptId;
  stream @2 :LogStream;
  offset @3 :UInt64;
  bytesMax @4 :UInt32;
}
struct CosignCheckpoint {
  request @0 :UInt64;
  body @1 :Data;
}
struct ToBroker {
  body :union {
    granted @0 :Granted;
    refused @1 :Refused;
    status @2 :AttemptStatus;
    ended @3 :AttemptEnded;
    logChunk @4 :LogChunk;
    cosigned @5 :CosignAnswer;
  }
}
struct Granted {
  attempt @0 :V.AttemptId;
}
enum RefusalCode {
  noCapacity @0;
  price @1;
  policy @2;
  siteState @3;
  term @4;
  unknownPool @5;
  invalid @6;
  fenced @7;
  engineDown @8;
  contract @9;
}
struct Refused {
  attempt @0 :V.AttemptId;
  code @1 :RefusalCode;
  detail @2 :Text;
  quote @3 :V.SignedRecord;
}
enum AttemptPhase {
  unknown @0;
  granted @1;
  staging @2;
  running @3;
  finishing @4;
  ended @5;
}
struct AttemptStatus {
  attempt @0 :V.AttemptId;
  phase @1 :AttemptPhase;
  since @2 :V.Time;
}
enum EndCode {
  succeeded @0;
  failed @1;
  canceled @2;
  timeLimit @3;
  leaseExpired @4;
  stageInFailed @5;
  stageOutFailed @6;
  engineFailed @7;
  interrupted @8;
  preempted @9;
  outOfMemory @10;
}
struct ExecutorEnd {
  exitCode @0 :Int32;
  started @1 :V.Time;
  ended @2 :V.Time;
  stdoutTail @3 :Data;
  stderrTail @4 :Data;
}
struct OutputFile {
  path @0 :Text;
  url @1 :Text;
  sizeBytes @2 :UInt64;
  sha256 @3 :Text;
}
struct StagedInput {
  path @0 :Text;
  url @1 :Text;
  sizeBytes @2 :UInt64;
  sha256 @3 :Text;
  milliseconds @4 :UInt64;
}
struct Usage {
  started @0 :V.Time;
  ended @1 :V.Time;
  wallSeconds @2 :UInt64;
  cpuMilliseconds @3 :UInt64;
  memoryPeakMib @4 :UInt64;
}
struct EndReport {
  code @0 :EndCode;
  detail @1 :Text;
  started @2 :Bool;
  executors @3 :List(ExecutorEnd);
  inputs @4 :List(StagedInput);
  outputs @5 :List(OutputFile);
  usage @6 :Usage;
  charge @7 :V.Micros;
  systemLog @8 :List(Text);
}
struct AttemptEnded {
  attempt @0 :V.AttemptId;
  report @1 :EndReport;
}
struct LogChunk {
  request @0 :UInt64;
  attempt @1 :V.AttemptId;
  offset @2 :UInt64;
  data @3 :Data;
  end @4 :Bool;
  known @5 :Bool;
}
struct CosignAnswer {
  request @0 :UInt64;
  status @1 :UInt16;
  contentType @2 :Text;
  body @3 :Data;
}
