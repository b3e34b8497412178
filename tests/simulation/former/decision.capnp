@0xae60587eda71e1bd;
using V = import "vocabulary.capnp";
enum ReasonCode {
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
  contractCapacity @33;
  distrusted @34;
}
struct CostBreakdown {
  compute @0 :V.Micros;
  dataIn @1 :V.Micros;
  dataOut @2 :V.Micros;
  fixed @3 :V.Micros;
  contractPaid @4 :V.Micros;
  total @5 :V.Micros;
}
struct FinishEstimate {
  waitSeconds @0 :UInt64;
  stageInSeconds @1 :UInt64;
  runSeconds @2 :UInt64;
  stageOutSeconds @3 :UInt64;
  totalSeconds @4 :UInt64;
}
struct Candidate {
  site @0 :Text;
  pool @1 :Text;
  variant @2 :UInt32;
  preemptible @3 :Bool;
  nodes @4 :UInt32;
  units @5 :UInt32;
  rate @6 :V.Micros;
  billedSeconds @7 :UInt64;
  cost @8 :CostBreakdown;
  finish @9 :FinishEstimate;
  replicas @10 :List(UInt32);
  contract @11 :Text;
  contractUnits @12 :UInt32;
}
struct Rejection {
  site @0 :Text;
  pool @1 :Text;
  variant @2 :UInt32;
  reason @3 :ReasonCode;
  wanted @4 :Int64;
  offered @5 :Int64;
  detail @6 :Text;
}
struct ReliedOn {
  site @0 :Text;
  siteVersion @1 :V.RecordVersion;
  quoteVersion @2 :V.RecordVersion;
  quoteValidUntil @3 :V.Time;
}
struct QuoteTerms {
  id @0 :Text;
  total @1 :V.Micros;
  pool @2 :Text;
  price @3 :V.Ppm;
  reliedOn @4 :ReliedOn;
}
enum Outcome {
  placed @0;
  waiting @1;
  unroutable @2;
}
struct ClearedWith {
  jobs @0 :UInt32;
  margin @1 :Int64;
}
struct Decision {
  outcome @0 :Outcome;
  decidedAt @1 :V.Time;
  chosen @2 :Candidate;
  reliedOn @3 :ReliedOn;
  runnersUp @4 :List(Candidate);
  rejections @5 :List(Rejection);
  poolsConsidered @6 :UInt32;
  poolsAdequate @7 :UInt32;
  tolerance @8 :V.Ppm;
  spareUnits @9 :UInt32;
  ratesVersion @10 :UInt64;
  clearing @11 :ClearedWith;
  excluded @12 :List(Text);
}
