@0xda38f7157a7c981c;
# Replication of signed records: scuttlebutt push-pull. C++ side: gossip.h.
#
# Each node starts about one exchange a second with each of two peers:
#   syn      digests of the quote sheets it holds, fingerprints of its member and site records
#   syn-ack  newer sheets, as many as the byte budget allows; which sheets it wants in return; and
#            digests of the member and site records of the buckets whose fingerprints differ
#   ack      the sheets that were wanted and the newer member and site records; which of the other's
#            member and site records it wants
#   ack      those
# In most exchanges the fingerprints agree and the third message is the last. A lost message costs nothing but time: the next exchange starts from digests again. A node takes
# any number of copies of a record; all but the first are dropped as old. There are no messages
# about who is alive: silence expires records, and nobody is declared dead on another's word.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
using V = import "vocabulary.capnp";

# On links the whole message is packed as Cap'n Proto packs (zeros are left out), which makes a quote
# sheet with its signature about 280 bytes. A reader takes flat messages too: those begin with a zero
# byte, packed ones never do.

struct GossipMessage {
  exchange @0 :UInt64;  # chosen by the syn's sender and echoed; its round trip is the measured RTT
  body :union {
    syn @1 :GossipSyn;
    synAck @2 :GossipSynAck;
    ack @3 :GossipAck;
  }
}

struct GossipSyn {
  digests @0 :Digests;   # of the quote sheets that the sender holds
  fingerprints @1 :List(UInt64);
  # Of its member and site records, by bucket, which is the member number modulo 64: the sum modulo
  # 2^64 of the first eight bytes (least first) of each record's signature. At most 64; what is
  # missing is 0, as for a bucket with nothing in it.
  quarantined @2 :List(UInt32);
  # Numbers of the members of whom it holds a proof of equivocation, rising; at most 10,000.
}
struct GossipSynAck {
  records @0 :List(V.SignedRecord);  # quote sheets, most urgent first: capacity fell, longest stale
  digests @1 :Digests;      # of the member and site records held in the buckets of `differing`
  wants @2 :Digests;        # of what the syn named: the version held here, lower than the one named;
                            # version 0 of epoch 0: none
  differing @3 :UInt64;     # bit b: the fingerprints of bucket b differ
  proofs @4 :List(V.Equivocation);  # about members that the syn did not name as quarantined
  quarantined @5 :List(UInt32);     # as in the syn
}
struct GossipAck {
  records @0 :List(V.SignedRecord);  # most urgent first: members, unknown sites, changed sites, sheets
  wants @1 :Digests;                 # of what the syn-ack named, likewise
  proofs @2 :List(V.Equivocation);   # about members that the syn-ack did not name as quarantined
}

struct Digests {
  # One digest of every sheet held goes out twice a second, so they are packed to about 9 bytes
  # each: for each digest four LEB128 numbers (7 bits a byte, least first, at most 10 bytes, and no
  # needless bytes), where "change" is the zigzag-coded difference, modulo 2^64, to the digest
  # before it (to 0 for the first):
  #   member: change · kind, as in RecordKind · epoch: change · version
  # A reader skips digests of kinds it does not know.
  count @0 :UInt32;   # at most 32,768
  packed @1 :Data;
}
