@0xb7c1d6a2f0e94d31;
# How a gateway keeps an attempt that it granted, in its own store, from before it answers the
# dispatch until the end is acknowledged. Never travels. C++ side: HeldAttempt in dispatch.h.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
using V = import "vocabulary.capnp";
using Dispatch = import "dispatch.capnp";

struct HeldAttempt {
  attempt @0 :V.AttemptId;
  broker @1 :Text;              # node that dispatched it, and gets its end
  assignment @2 :Dispatch.Assignment;
  nodes @3 :List(UInt32);       # indices of the pool's nodes that it holds
  granted @4 :V.Time;
  leaseSeconds @5 :UInt32;
  incrementSeconds @6 :UInt32;  # of the pool's tariff when it was granted, as the next two;
  minimumSeconds @7 :UInt32;    # a later tariff changes nothing for it
  fixedFee @8 :V.Micros;
  report @9 :Dispatch.EndReport;  # once it has ended
}
