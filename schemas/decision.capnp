@0xae60587eda71e1bd;
# The router's answer for one job. C++ side: decision.h. Written by the broker into its journal;
# auditors replay it, so every number that led to the choice stands here.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
using V = import "vocabulary.capnp";

enum ReasonCode {
  # The first predicate, in this order, that a pool failed. What each means: decision.h.
  none @0;
  architecture @1;
  acceleratorFamily @2;
  acceleratorModel @3;
  acceleratorMemory @4;
  acceleratorCount @5;
  interconnect @6;
  cpus @7;
  memory @8;
  disk @9;
  nodes @10;
  siteDenied @11;
  regionDenied @12;
  jurisdictionDenied @13;
  providerDenied @14;
  dataResidency @15;
  label @16;
  sitePolicy @17;
  workloadClass @18;
  preemptibleOnly @19;
  carbon @20;
  latency @21;
  rateCap @22;
  currency @23;
  siteState @24;
  excluded @25;
  quoteMissing @26;
  energyQuota @27;
  capacity @28;
  wait @29;
  deadline @30;
  budget @31;
  transferUnknown @32;
  contractCapacity @33;  # its place in the order is after capacity
  distrusted @34;        # and this one's after excluded
}

struct CostBreakdown {
  compute @0 :V.Micros;       # rate * billed time; preemptible: with the expected rerun
  dataIn @1 :V.Micros;
  dataOut @2 :V.Micros;
  fixed @3 :V.Micros;
  contractPaid @4 :V.Micros;  # paid by a contract already, subtracted
  total @5 :V.Micros;
}

struct FinishEstimate {
  # Seconds from the decision.
  waitSeconds @0 :UInt64;
  stageInSeconds @1 :UInt64;  # the slowest input
  runSeconds @2 :UInt64;
  stageOutSeconds @3 :UInt64;
  totalSeconds @4 :UInt64;
}

struct Candidate {
  # One variant at one pool that is adequate.
  site @0 :Text;
  pool @1 :Text;
  variant @2 :UInt32;      # index into the job's variants
  preemptible @3 :Bool;
  nodes @4 :UInt32;
  units @5 :UInt32;        # reserved on each node
  rate @6 :V.Micros;       # per hour, of the whole job at the quoted price
  billedSeconds @7 :UInt64;
  cost @8 :CostBreakdown;
  finish @9 :FinishEstimate;
  replicas @10 :List(UInt32);  # per input, which replica the price rests on
  contract @11 :Text;          # that part of the units is taken from; none: none
  contractUnits @12 :UInt32;   # so many of nodes * units, which cost nothing more
  held @13 :List(UInt32);      # the inputs that the site has already; rising
}

struct Rejection {
  # One pool that is adequate for no variant.
  site @0 :Text;
  pool @1 :Text;
  variant @2 :UInt32;   # the one that came furthest
  reason @3 :ReasonCode;
  wanted @4 :Int64;     # the numbers behind the reason, in its own unit; 0 when it has none
  offered @5 :Int64;
  detail @6 :Text;      # for people
}

struct ReliedOn {
  # The records of the chosen site that the decision rests on; all empty when nothing was chosen.
  site @0 :Text;
  siteVersion @1 :V.RecordVersion;
  quoteVersion @2 :V.RecordVersion;
  quoteValidUntil @3 :V.Time;
}

struct QuoteTerms {
  # What a quote promises the job that is submitted with it.
  id @0 :Text;
  total @1 :V.Micros;     # no attempt of the job is decided at more
  pool @2 :Text;          # where the quote placed it
  price @3 :V.Ppm;        # the pool's price factor, to which the site is bound
  reliedOn @4 :ReliedOn;  # by this quote sheet, until it runs out
}

enum Outcome {
  placed @0;      # `chosen` is there
  waiting @1;     # nothing adequate now, but a new record may change that
  unroutable @2;  # nothing offered could ever run it
}

struct ClearedWith {
  # Of a decision made by a clearing: jobs that contended for the same capacity and were given places
  # together.
  jobs @0 :UInt32;    # of the clearing, this one among them; those that got no place too
  margin @1 :Int64;   # what the job's objective makes least of, above the least that the job could
                      # have had alone; micro-units, or seconds for the objective `fastest`
}

struct Decision {
  # A placed decision may come without the survey of the rest: both lists are empty then, and so are
  # the two counts of pools.
  outcome @0 :Outcome;
  decidedAt @1 :V.Time;
  chosen @2 :Candidate;              # there if and only if the outcome is `placed`
  reliedOn @3 :ReliedOn;
  runnersUp @4 :List(Candidate);     # the next best, in order, at most 8
  rejections @5 :List(Rejection);    # nearest misses first, at most 64
  poolsConsidered @6 :UInt32;
  poolsAdequate @7 :UInt32;
  tolerance @8 :V.Ppm;               # how far above the least cost the choice was allowed to be
  spareUnits @9 :UInt32;             # margin of free units wanted beyond the need
  ratesVersion @10 :UInt64;          # of the rate table that it used; 0: none was ever set
  clearing @11 :ClearedWith;         # only of a decision that a clearing made; then it is `placed`
  excluded @12 :List(Text);          # sites that were not asked: the job was refused or lost there just
                                     # now; sorted, none twice, at most 64
}
