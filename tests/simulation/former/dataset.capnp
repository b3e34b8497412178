@0xff845f4b337631bb;
using Job = import "job.capnp";
struct Dataset {
  name @0 :Text;
  owner @1 :Text;
  replicas @2 :List(Job.Replica);
  sizeBytes @3 :UInt64;
  sha256 @4 :Text;
  residency @5 :List(Text);
  sharedWith @6 :List(Text);
  sharedWithAll @7 :Bool;
}
