@0xff845f4b337631bb;
# A data set as the broker's journal keeps it. C++ side: dataset.h.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
using Job = import "job.capnp";

struct Dataset {
  name @0 :Text;              # one in the whole federation
  owner @1 :Text;             # a tenant
  replicas @2 :List(Job.Replica);
  sizeBytes @3 :UInt64;       # as stated
  sha256 @4 :Text;            # lower-case hex; none: unknown
  residency @5 :List(Text);   # jurisdictions where it may be processed; none: anywhere
  sharedWith @6 :List(Text);  # tenants who may name it and see it besides the owner
  sharedWithAll @7 :Bool;
}
