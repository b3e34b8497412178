@0xa8c611f837b2516c;
using Time = Int64;
using Micros = Int64;
using Ppm = Int64;
struct Entry {
  key @0 :Text;
  value @1 :Text;
}
enum Architecture {
  amd64 @0;
  arm64 @1;
  riscv64 @2;
  ppc64le @3;
  s390x @4;
  loong64 @5;
}
enum Interconnect {
  none @0;
  pcie @1;
  ethernet @2;
  infiniband @3;
  nvlink @4;
}
struct Resources {
  memoryMib @0 :UInt64;
  diskMib @1 :UInt64;
  cpus @2 :UInt32;
  accelerators @3 :UInt32;
}
struct Accelerator {
  family @0 :Text;
  model @1 :Text;
  memoryGib @2 :UInt32;
  interconnect @3 :Interconnect;
}
struct AcceleratorNeed {
  family @0 :Text;
  models @1 :List(Text);
  memoryGibMin @2 :UInt32;
  interconnectMin @3 :Interconnect;
}
struct AttemptId {
  job @0 :Text;
  number @1 :UInt32;
}
struct RecordVersion {
  epoch @0 :UInt64;
  version @1 :UInt64;
}
struct SignedRecord {
  body @0 :Data;
  signature @1 :Data;
}
