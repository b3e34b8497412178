@0xda38f7157a7c981c;
# Replication of signed records: scuttlebutt push-pull. C++ side: gossip.h.
#
# Each node starts about one exchange a second with each of two peers:
#   syn      its digests: the version it holds of each (member, kind)
#   syn-ack  what the other holds that is newer, within the byte budget, and its own digests
#   ack      what the syn's sender holds that is newer
# A lost message costs nothing but time: the next exchange starts from digests again. A node takes
# any number of copies of a record; all but the first are dropped as old. There are no messages
# about who is alive: silence expires records, and nobody is declared dead on another's word.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
using V = import "vocabulary.capnp";

struct GossipMessage {
  exchange @0 :UInt64;  # chosen by the syn's sender and echoed; its round trip is the measured RTT
  body :union {
    syn @1 :GossipSyn;
    synAck @2 :GossipSynAck;
    ack @3 :GossipAck;
  }
}

struct GossipSyn {
  digests @0 :Digests;   # everything the sender holds
}
struct GossipSynAck {
  records @0 :List(V.SignedRecord);  # most urgent first: unknown to the peer, capacity fell, longest stale
  digests @1 :Digests;               # everything the sender holds
}
struct GossipAck {
  records @0 :List(V.SignedRecord);
}

struct Digests {
  # One digest of every record held goes out twice a second, so they are packed to about 9 bytes
  # each: for each digest four LEB128 numbers (7 bits a byte, least first, at most 10 bytes, and no
  # needless bytes), where "change" is the zigzag-coded difference, modulo 2^64, to the digest
  # before it (to 0 for the first):
  #   member: change · kind, as in RecordKind · epoch: change · version
  # A reader skips digests of kinds it does not know.
  count @0 :UInt32;   # at most 32,768
  packed @1 :Data;
}
