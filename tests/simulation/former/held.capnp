@0xb7c1d6a2f0e94d31;
using V = import "vocabulary.capnp";
using Dispatch = import "dispatch.capnp";
struct HeldAttempt {
  attempt @0 :V.AttemptId;
  broker @1 :Text;
  assignment @2 :Dispatch.Assignment;
  nodes @3 :List(UInt32);
  granted @4 :V.Time;
  leaseSeconds @5 :UInt32;
  incrementSeconds @6 :UInt32;
  minimumSeconds @7 :UInt32;
  fixedFee @8 :V.Micros;
  report @9 :Dispatch.EndReport;
}
