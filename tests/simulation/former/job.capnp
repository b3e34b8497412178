@0xdf4f47c825a277bc;
using V = import "vocabulary.capnp";
struct Executor {
  image @0 :Text;
  command @1 :List(Text);
  workdir @2 :Text;
  stdinPath @3 :Text;
  stdoutPath @4 :Text;
  stderrPath @5 :Text;
  env @6 :List(V.Entry);
  ignoreError @7 :Bool;
}
enum FileType {
  file @0;
  directory @1;
}
struct Replica {
  url @0 :Text;
  site @1 :Text;
  region @2 :Text;
}
struct Input {
  name @0 :Text;
  description @1 :Text;
  path @2 :Text;
  type @3 :FileType;
  content @4 :Data;
  replicas @5 :List(Replica);
  sizeBytes @6 :UInt64;
  sha256 @7 :Text;
  residency @8 :List(Text);
  executable @9 :Bool;
  streamable @10 :Bool;
  dataset @11 :Text;
  residencyBound @12 :Bool;
}
struct Output {
  name @0 :Text;
  description @1 :Text;
  path @2 :Text;
  pathPrefix @3 :Text;
  url @4 :Text;
  type @5 :FileType;
  sizeBytes @6 :UInt64;
  region @7 :Text;
}
struct Variant {
  name @0 :Text;
  architectures @1 :List(V.Architecture);
  accelerator @2 :V.AcceleratorNeed;
  workloadClass @3 :Text;
  workSeconds @4 :UInt64;
  durationSeconds @5 :UInt64;
  executors @6 :List(Executor);
}
struct Constraints {
  sitesAllowed @0 :List(Text);
  sitesDenied @1 :List(Text);
  regionsAllowed @2 :List(Text);
  regionsDenied @3 :List(Text);
  jurisdictionsAllowed @4 :List(Text);
  jurisdictionsDenied @5 :List(Text);
  providersAllowed @6 :List(Text);
  providersDenied @7 :List(Text);
  labels @8 :List(V.Entry);
  latencyRegion @9 :Text;
  latencyMsMax @10 :UInt32;
  deadline @11 :V.Time = -1;
  costMax @12 :V.Micros = -1;
  rateMax @13 :V.Micros = -1;
  preemptibleAllowed @14 :Bool;
  carbonGramsKwhMax @15 :UInt32;
  waitSecondsMax @16 :UInt32;
  labelsDenied @17 :List(V.Entry);
}
enum Objective {
  cheapest @0;
  fastest @1;
  balanced @2;
}
enum OnDisconnect {
  stop @0;
  resume @1;
}
struct JobSpec {
  name @0 :Text;
  description @1 :Text;
  tags @2 :List(V.Entry);
  resources @3 :V.Resources;
  nodes @4 :UInt32;
  variants @5 :List(Variant);
  inputs @6 :List(Input);
  outputs @7 :List(Output);
  volumes @8 :List(Text);
  constraints @9 :Constraints;
  objective @10 :Objective;
  valuePerHour @11 :V.Micros;
  homeRegion @12 :Text;
  network @13 :Bool;
  restartable @14 :Bool;
  attemptsMax @15 :UInt32;
  onDisconnect @16 :OnDisconnect;
  priority @17 :Int32;
  queueSecondsMax @18 :UInt64;
  runSecondsMax @19 :UInt64;
  arrayCount @20 :UInt32;
  tesResources @21 :Text;
  totalSecondsMax @22 :UInt64;
  after @23 :List(Text);
}
