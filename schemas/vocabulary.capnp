@0xa8c611f837b2516c;
# Words that several messages share. The C++ side is ids.h, time.h, money.h, resources.h,
# architecture.h and record.h; codec_vocabulary.cpp goes between the two.
#
# How these schemas may change (all files of this folder):
#  - A field is never removed, renumbered or given another type or unit. A new one gets the next
#    number and a meaning for 0 (or for its stated default) that old writers had all along.
#  - A new member of an enum or union gets the next number. An older reader refuses it where it
#    would have to act on it ("has kind 7, which this version does not know"), so a writer sends
#    it only when the other side is known to understand it. Digests are the exception: kinds that
#    the reader does not know are skipped there, so that mixed versions can gossip.
#  - Bytes under tests/unit/schemas/golden are messages of earlier versions and decode forever.
#
# What every reader does, before it looks at a value: refuses messages over the bound of their kind
# (limits.h), whose size is no multiple of 8 or that have bytes after their end; bounds traversal
# by the message's own size and nesting by 16; bounds each list and text. A text that is empty is
# written as no text at all. All numbers that count, cost or last are not negative; where a field
# is signed, it is so because C++ calculates with signed 64-bit integers.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");

using Time = Int64;
# Microseconds since 1970-01-01T00:00:00Z by the clock of who states it; years 1970 to 9999.

using Micros = Int64;
# Money: millionths of the accounting currency, unless a tariff names another currency.

using Ppm = Int64;
# Parts per million.

struct Entry {
  # One pair of a map. Maps are lists of them, sorted by key, no key twice.
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
  # How the accelerators of one node are joined, from weakest to strongest.
  none @0;
  pcie @1;
  ethernet @2;
  infiniband @3;
  nvlink @4;
}

struct Resources {
  # Of one node.
  memoryMib @0 :UInt64;
  diskMib @1 :UInt64;       # scratch space of one attempt
  cpus @2 :UInt32;          # whole CPUs as the kernel counts them
  accelerators @3 :UInt32;  # whole devices
}

struct Accelerator {
  # The accelerators of a pool's node; no family: it has none.
  family @0 :Text;      # programming family, lower case: "cuda"
  model @1 :Text;       # lower case: "h100-sxm"
  memoryGib @2 :UInt32; # of one device
  interconnect @3 :Interconnect;
}

struct AcceleratorNeed {
  # What a variant asks for; how many stands in Resources.
  family @0 :Text;           # none: any
  models @1 :List(Text);     # none: any
  memoryGibMin @2 :UInt32;   # of one device
  interconnectMin @3 :Interconnect;
}

struct AttemptId {
  # One try of a job at one site; the key by which every dispatch message is idempotent.
  job @0 :Text;       # "j" and 13 Crockford base32 digits; of an array's task "-" and five digits more
  number @1 :UInt32;  # from 1
}

struct HoldingLabel {
  # What a broker calls data that sites may keep: a keyed hash, which tells nobody else of what.
  high @0 :UInt64;
  low @1 :UInt64;
}

struct RecordVersion {
  # Newer is greater, the epoch first. No two records of a publisher have one version: it begins a
  # greater epoch with every start, and lets no version out before its disk knows it.
  epoch @0 :UInt64;    # milliseconds since 1970 when the publisher started, or more
  version @1 :UInt64;  # from 1, rises with every record
}

struct SignedRecord {
  # What travels, is stored and is forwarded: bytes and a signature over exactly these bytes. Nobody
  # encodes a record again to verify it. Who signs is said in market.capnp.
  body @0 :Data;       # an encoded Record
  signature @1 :Data;  # Ed25519 over "tradewind-record-v1", a zero byte, and body; 64 bytes
}

struct Equivocation {
  # Two records of one subject, kind and version with different bodies, both signed by the subject:
  # the proof that it tells two stories. Whoever has the subject's member record can check it, and
  # need not trust who brought it.
  first @0 :SignedRecord;   # of kind site or quote; the one whose body has the smaller bytes
  second @1 :SignedRecord;
}
