@0xe4de243b2384d116;
# Who belongs to the federation. C++ side: record.h.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");

enum MemberState {
  active @0;
  suspended @1;  # its site record and quote sheets are not relied on; its running attempts go on
  revoked @2;    # nothing of it is believed any more, and no link to it is kept
}

struct Member {
  # "This node belongs to us, and these are its keys." Signed by the federation's registry key when
  # a site joins and whenever a key, its state or its ceiling changes; travels by gossip like any
  # other record, so that revocation reaches everybody within seconds.
  #
  # A receiver takes the keys for a node from here and from nowhere else: not from the message that
  # it verifies, not from the link it came by. A link's peer counts as a node once the peer's CURVE
  # key is the curveKey of the node's newest member record.
  node @0 :Text;         # "site/jp-osaka-1" or "broker/eu-1"; must be the record's subject
  number @1 :UInt32;     # a short name for digests, never given twice; must be the record's member
  state @2 :MemberState;
  identityKey @3 :Data;  # Ed25519 public key, 32 bytes: signs its site records and quote sheets
  curveKey @4 :Data;     # CURVE25519 public key, 32 bytes: encrypts its links
  endpoint @5 :Text;     # of a broker: "tcp://host:port" where it listens; sites say it themselves
  unitsMax @6 :UInt32;   # certified ceiling on the free units a site may claim; 0: none
  logKey @7 :Text;       # of a broker: the verifier key of its transparency log, by which witnesses know its
                         # checkpoints; at most 512 bytes. None: it keeps no log
  renewals @8 :UInt64;   # of a site: how often its certificate was renewed. A renewal that does not know the last
                         # one comes from a second holder of the key
  formerCurveKey @9 :Data;  # the key before curveKey, good on links until the next renewal, 32 bytes; none: none
  trustVersion @11 :UInt64;  # of a broker: the newest trust record that it knows; others ask it for that
  locked @10 :Bool;      # suspended because two seem to hold its key; only an operator takes it back
}
