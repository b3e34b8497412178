@0xdf4f47c825a277bc;
# What a user asks for, as the journal keeps it. C++ side: job.h; JSON documents are turned into
# these values at the endpoint, which also judges them: a reader here checks only form and bounds.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
using V = import "vocabulary.capnp";

struct Executor {
  # One command; a variant's executors run one after the other.
  image @0 :Text;          # OCI reference; engines without images run on the host's system
  command @1 :List(Text);  # argv
  workdir @2 :Text;        # none: /work
  stdinPath @3 :Text;      # absolute, inside the sandbox; none: none
  stdoutPath @4 :Text;
  stderrPath @5 :Text;
  env @6 :List(V.Entry);
  ignoreError @7 :Bool;    # go on with the next one whatever the exit code
}

enum FileType {
  file @0;
  directory @1;
}

struct Replica {
  # Where one copy of an input lies.
  url @0 :Text;     # file:, http:, https: or s3:
  site @1 :Text;    # site id when it lies at a site of the federation
  region @2 :Text;  # region id; none: somewhere on the internet
}

struct Input {
  name @0 :Text;
  description @1 :Text;
  path @2 :Text;         # absolute, inside the sandbox
  type @3 :FileType;
  content @4 :Data;      # inline; when there is some, the replicas are ignored
  replicas @5 :List(Replica);
  sizeBytes @6 :UInt64;  # as stated; prices and staging times rest on it
  sha256 @7 :Text;       # lower-case hex, checked after staging; none: unknown
  residency @8 :List(Text);  # jurisdictions where it may be processed; none: anywhere
  executable @9 :Bool;
  streamable @10 :Bool;
  dataset @11 :Text;         # its name; replicas, size and digest are then the data set's
  residencyBound @12 :Bool;  # the residency is that of data sets alone, the job named none
  holding @13 :V.HoldingLabel;  # as the broker calls it where a site keeps it; all zero: none
}

struct Output {
  name @0 :Text;
  description @1 :Text;
  path @2 :Text;         # absolute, inside the sandbox; may hold wildcards when pathPrefix is given
  pathPrefix @3 :Text;
  url @4 :Text;          # target; none: kept at the site, digest recorded only
  type @5 :FileType;
  sizeBytes @6 :UInt64;  # expected; prices traffic
  region @7 :Text;       # where the target lies; none: the job's home region
}

struct Variant {
  # One way to run the job.
  name @0 :Text;                           # unique within the job
  architectures @1 :List(V.Architecture);  # any of them
  accelerator @2 :V.AcceleratorNeed;
  workloadClass @3 :Text;      # selects the pool's performance
  workSeconds @4 :UInt64;      # seconds at performance 1,000,000 ppm
  durationSeconds @5 :UInt64;  # stated run time whatever the pool; wins when both are given
  executors @6 :List(Executor);
}

struct Constraints {
  # What must hold for a pool to be adequate. What is not there constrains nothing.
  sitesAllowed @0 :List(Text);
  sitesDenied @1 :List(Text);
  regionsAllowed @2 :List(Text);
  regionsDenied @3 :List(Text);
  jurisdictionsAllowed @4 :List(Text);
  jurisdictionsDenied @5 :List(Text);
  providersAllowed @6 :List(Text);
  providersDenied @7 :List(Text);
  labels @8 :List(V.Entry);          # each must be on the pool or its site
  latencyRegion @9 :Text;            # the client's region
  latencyMsMax @10 :UInt32;          # round trip to it; 0: no bound
  deadline @11 :V.Time = -1;         # expected finish at the latest; -1: none
  costMax @12 :V.Micros = -1;        # budget of the job, everything included; -1: none
  rateMax @13 :V.Micros = -1;        # per hour, of the whole job's compute; -1: none
  preemptibleAllowed @14 :Bool;
  carbonGramsKwhMax @15 :UInt32;     # 0: no cap; pools of unknown carbon fail a cap
  waitSecondsMax @16 :UInt32;        # longest expected wait; 0: no bound
  labelsDenied @17 :List(V.Entry);   # none may be on the pool or its site
}

enum Objective {
  cheapest @0;
  fastest @1;
  balanced @2;  # cost plus valuePerHour times the hours until the expected finish
}

enum OnDisconnect {
  stop @0;    # an attempt whose lease ran out is stopped, and the broker routes again
  resume @1;  # it runs on, and the broker waits
}

struct JobSpec {
  name @0 :Text;
  description @1 :Text;
  tags @2 :List(V.Entry);        # echoed unchanged
  resources @3 :V.Resources;     # per node
  nodes @4 :UInt32;
  variants @5 :List(Variant);
  inputs @6 :List(Input);
  outputs @7 :List(Output);
  volumes @8 :List(Text);        # absolute paths shared by the executors
  constraints @9 :Constraints;
  objective @10 :Objective;
  valuePerHour @11 :V.Micros;    # for `balanced`
  homeRegion @12 :Text;          # data without a place comes from there and goes there
  network @13 :Bool;             # whether the command may use the network
  restartable @14 :Bool;         # may run again from the start after its site was lost
  attemptsMax @15 :UInt32;       # that were granted; refusals do not count
  onDisconnect @16 :OnDisconnect;
  priority @17 :Int32;           # higher goes first among the waiting; -100 to 100
  queueSecondsMax @18 :UInt64;   # longest wait before the job expires; 0: no bound
  runSecondsMax @19 :UInt64;     # time limit of an attempt's run; 0: the default
  arrayCount @20 :UInt32;        # 0: a single job; else that many tasks
  tesResources @21 :Text;        # of a TES task: its resources object, one line of JSON
  totalSecondsMax @22 :UInt64;   # from submission to the end; 0: no bound
  after @23 :List(Text);         # jobs and arrays that must succeed first; at most 64
}
