@0xa37f176dca02258f;
# What a broker and a gateway say to each other about attempts. C++ side: dispatch.h.
#
# The life of an attempt:
#   broker journals its decision ── dispatch ──▶ gateway writes the grant to its own store
#          ◀── granted | refused ──
#   broker renews the lease ── renewLeases ──▶    ◀── status, of those the gateway does not run
#          ◀── status, as it goes through its phases ──
#          ◀── ended, again and again until ── acknowledgeEnd ──▶ gateway forgets it
#
# Every message is idempotent by attempt id: a second copy, or one out of order, changes nothing
# and is answered as the first was. No answer to a dispatch: the broker asks the same site (ask),
# never another one, until the attempt was refused, has ended, or is over for sure.
#
# A lease is what lets a broker know that an attempt is over without hearing so. It runs on the
# gateway's steady clock from the arrival of a dispatch or renewal; the broker counts from sending,
# and adds bounds for skew and delay, so the gateway has always stopped first.
#
# A dispatch names the quote sheet that priced it, and a gateway takes it only until that sheet's
# valid-until and a grace of 15 s have passed on the gateway's own steady clock. So a dispatch that a
# network held back takes effect soon or never, whatever the clocks of the two machines say.
#
# Terms: each reign of a broker has a greater one, and every message carries it. A gateway keeps
# the greatest it has seen and refuses lower ones, so a broker that was paused or deposed can start
# nothing.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
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
  # A job made concrete for one pool: the part of it that a site must know. Also how a gateway keeps
  # it in its own store.
  tenant @0 :Text;
  jobName @1 :Text;
  pool @2 :Text;
  nodes @3 :UInt32;
  units @4 :UInt32;              # on each node
  preemptible @5 :Bool;
  resources @6 :V.Resources;     # per node, as asked: the engine's limits
  executors @7 :List(Job.Executor);
  inputs @8 :List(Job.Input);    # each with exactly one replica, or content
  outputs @9 :List(Job.Output);
  volumes @10 :List(Text);
  env @11 :List(V.Entry);        # added to each executor's
  network @12 :Bool;
  onDisconnect @13 :Job.OnDisconnect;
  runSecondsMax @14 :UInt64;     # time limit, never 0
  price @15 :V.Ppm;              # the factor that the broker decided by; 1 to 10^9
  rate @16 :V.Micros;            # per hour, of the whole attempt
  quoteVersion @17 :V.RecordVersion;  # while that sheet is valid, it binds the site to the price
  conversion @18 :V.Ppm = 1000000;  # what the broker counts the tariff's currency as, in the
                                    # currency of `rate` and of charges; 1 to 10^15
  contract @19 :Text;            # of the tenant; none: none
  contractUnits @20 :UInt32;     # so many of nodes * units are taken from it, and paid already
  workloadClass @21 :Text;       # of the variant; none where workSeconds is 0
  workSeconds @22 :UInt64;       # its stated work: seconds at performance 1,000,000 ppm; 0: none
}

struct Dispatch {
  # Answered by granted, after the gateway's own durable write, or by refused.
  attempt @0 :V.AttemptId;
  assignment @1 :Assignment;
  leaseSeconds @2 :UInt32;
}

struct RenewLeases {
  # Answered by one status for each attempt that the gateway does not run.
  attempts @0 :List(V.AttemptId);  # at most 4,096
  leaseSeconds @1 :UInt32;
}

struct CancelAttempt {
  # Answered by ended, or by a status when the gateway does not know it.
  attempt @0 :V.AttemptId;
}

struct AskAttempt {
  # Answered by a status, never by starting anything. A gateway that does not know the attempt
  # answers `unknown` and from then on refuses it, should its dispatch arrive late.
  attempt @0 :V.AttemptId;
}

struct AcknowledgeEnd {
  # The end is in the broker's journal: the gateway may forget the attempt. Not answered.
  attempt @0 :V.AttemptId;
}

enum LogStream {
  out @0;
  err @1;
}

struct ReadLog {
  # Answered by one logChunk.
  request @0 :UInt64;    # echoed
  attempt @1 :V.AttemptId;
  stream @2 :LogStream;
  offset @3 :UInt64;     # of the first byte wanted
  bytesMax @4 :UInt32;   # the answer holds at most this, and at most 256 KiB
}

struct CosignCheckpoint {
  # C2SP tlog-witness' add-checkpoint over the link, to the site's witness. Answered by
  # cosigned, once what the witness saw is in the gateway's store.
  request @0 :UInt64;  # echoed
  body @1 :Data;       # as that specification has it; at most 132 KiB
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
  # The attempt is in the gateway's store: it will run, and its end will be reported.
  attempt @0 :V.AttemptId;
}

enum RefusalCode {
  noCapacity @0;
  price @1;        # below what the site asks now, and the named quote no longer binds
  policy @2;
  siteState @3;    # draining or in maintenance
  term @4;         # a newer broker has spoken
  unknownPool @5;
  invalid @6;      # the assignment breaks a rule of the site's engine
  fenced @7;       # asked about before it arrived, and answered `unknown`
  engineDown @8;
  contract @9;  # the one it names is not the tenant's, not in force, or not idle enough
}

struct Refused {
  # It has not run and never will. The broker routes again, on the quote sheet that comes with it.
  attempt @0 :V.AttemptId;
  code @1 :RefusalCode;
  detail @2 :Text;
  quote @3 :V.SignedRecord;  # the site's newest quote sheet; both parts empty when it has signed none
}

enum AttemptPhase {
  unknown @0;    # the gateway knows nothing of it, and will not start it
  granted @1;
  staging @2;
  running @3;
  finishing @4;  # outputs on their way
  ended @5;
}

struct AttemptStatus {
  # Sent when asked and at each change of phase.
  attempt @0 :V.AttemptId;
  phase @1 :AttemptPhase;
  since @2 :V.Time;  # the gateway's clock
}

enum EndCode {
  succeeded @0;
  failed @1;         # an executor's exit code was not zero
  canceled @2;       # on the broker's word
  timeLimit @3;
  leaseExpired @4;
  stageInFailed @5;
  stageOutFailed @6;
  engineFailed @7;   # could not be started, or was lost by the engine
  interrupted @8;    # the gateway or its machine restarted under it
  preempted @9;
  outOfMemory @10;
}

struct ExecutorEnd {
  exitCode @0 :Int32;    # 128 + signal when killed
  started @1 :V.Time;
  ended @2 :V.Time;
  stdoutTail @3 :Data;   # the last bytes, at most 16 KiB
  stderrTail @4 :Data;
  image @5 :Text;        # whose bytes ran, NAME@sha256:…; none: on the site's own system
}

struct OutputFile {
  path @0 :Text;    # inside the sandbox, as the file system names it: not always UTF-8
  url @1 :Text;     # where it went
  sizeBytes @2 :UInt64;
  sha256 @3 :Text;  # lower-case hex
}

struct StagedInput {
  path @0 :Text;
  url @1 :Text;     # none for inline content
  sizeBytes @2 :UInt64;
  sha256 @3 :Text;
  milliseconds @4 :UInt64;  # how long staging took
}

struct Usage {
  started @0 :V.Time;        # the first executor's start
  ended @1 :V.Time;
  wallSeconds @2 :UInt64;    # charged time: from grant of the nodes to their return, rounded up
  cpuMilliseconds @3 :UInt64;
  memoryPeakMib @4 :UInt64;
}

struct EndReport {
  # Also how a gateway keeps it until it is acknowledged.
  code @0 :EndCode;
  detail @1 :Text;                  # for people, when it did not succeed
  started @2 :Bool;                 # whether any executor ran
  executors @3 :List(ExecutorEnd);  # of those that ended
  inputs @4 :List(StagedInput);
  outputs @5 :List(OutputFile);
  usage @6 :Usage;
  charge @7 :V.Micros;              # never above the quote's terms
  systemLog @8 :List(Text);         # what the site did for the attempt, a line each
}

struct AttemptEnded {
  # Sent again until it is acknowledged. The broker takes the first, and acknowledges every one.
  attempt @0 :V.AttemptId;
  report @1 :EndReport;
}

struct LogChunk {
  request @0 :UInt64;  # as in readLog
  attempt @1 :V.AttemptId;
  offset @2 :UInt64;   # of data's first byte
  data @3 :Data;
  end @4 :Bool;        # the stream is complete, and nothing follows `data`
  known @5 :Bool;      # false: the gateway does not know the attempt
}

struct CosignAnswer {
  # What an HTTP witness would answer.
  request @0 :UInt64;     # as in cosignCheckpoint
  status @1 :UInt16;      # of HTTP, 200 to 599
  contentType @2 :Text;
  body @3 :Data;          # at most 8 KiB
}
