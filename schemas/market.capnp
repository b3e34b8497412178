@0xff0f47a0aa07f1a3;
# What sites are and sell, as signed records. C++ side: site.h and record.h.
#
# A record is published by its owner, verified by everybody, and forwarded as it came. A receiver
# holds the newest (epoch, version) of each (subject, kind) and takes a record when, in this order:
# it decodes; its member is known and not revoked; it is newer than the one held; it is not from
# more than 5 s in the future, not over, and not valid for longer than the kind allows; its
# signature is good; its values are sane. The order puts what is cheap before the signature check.
# Every drop is counted by its reason.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tradewind::schema");
using V = import "vocabulary.capnp";
using Identity = import "identity.capnp";

enum RecordKind {
  member @0;  # at most 2 KiB, signed by the registry key
  site @1;    # at most 64 KiB, signed by the subject's identity key
  quote @2;   # at most 16 KiB, about 256 bytes as a rule, signed by the subject's identity key
}

struct RecordHeader {
  kind @0 :RecordKind;          # must be the kind of the body
  subject @1 :Text;             # the node that the record speaks of
  member @2 :UInt32;            # the subject's number
  version @3 :V.RecordVersion;
  issued @4 :V.Time;            # by the publisher's clock
  validUntil @5 :V.Time;        # after `issued`; nobody relies on the record from then on
}

struct Record {
  header @0 :RecordHeader;
  body :union {
    member @1 :Identity.Member;
    site @2 :SiteRecord;
    quote @3 :QuoteSheet;
  }
}

struct Tariff {
  # A job reserves whole allocation units and pays, for each node and hour,
  #   nodeHour + units * (cpuHour * unit.cpus + gibHour * unit.memory + acceleratorHour * unit.accelerators)
  # times the price factor of the quote sheet it was decided by. All prices: 0 to 10^15 micro-units.
  currency @0 :Text;  # ISO 4217
  nodeHour @1 :V.Micros;
  cpuHour @2 :V.Micros;
  gibHour @3 :V.Micros;
  acceleratorHour @4 :V.Micros;
  preemptible @5 :V.Ppm;        # preemptible price as a share of on-demand; 0: not sold; at most 1,000,000
  interruptionsHour @6 :V.Ppm;  # expected interruptions of a preemptible attempt in an hour; at most 10^9
  incrementSeconds @7 :UInt32;  # billed time is rounded up to this; 1 to 86,400
  minimumSeconds @8 :UInt32;    # and is at least this
  fixedFee @9 :V.Micros;        # per attempt that started
  preemptibleOnly @10 :Bool;    # no job runs there on demand; `preemptible` is then above 0
}

struct PriceCurve {
  # price * (1 + a * u^exponent) at utilisation u. The site applies it and publishes the factor in
  # its quote sheet; it stands here so that others can foresee it.
  a @0 :V.Ppm;           # 0: a flat price; at most 999,000,000
  exponent @1 :UInt32;   # 1 to 16
}

struct Performance {
  class @0 :Text;  # workload class; "default" is always there
  speed @1 :V.Ppm; # reference work seconds done per second; 1 to 10^12
}

struct Pool {
  # Identical nodes.
  id @0 :Text;                # unique within the site
  architecture @1 :V.Architecture;
  accelerator @2 :V.Accelerator;
  nodes @3 :UInt32;
  node @4 :V.Resources;       # one node
  unit @5 :V.Resources;       # the allocation unit; something, and no component over the node's
  performance @6 :List(Performance);  # sorted by class, none twice
  tariff @7 :Tariff;
  priceCurve @8 :PriceCurve;
  labels @9 :List(V.Entry);
  unitWatts @10 :UInt32;      # drawn by one unit at work; 0: unknown; at most 1,000,000
}

struct NetworkTariff {
  # Traffic between this site and a peer. Rows are looked up as "site:<id>", "region:<id>",
  # "jurisdiction:<id>", "default"; the first that matches the other end holds.
  peer @0 :Text;
  egress @1 :V.Micros;        # per 10^9 bytes leaving this site
  ingress @2 :V.Micros;       # per 10^9 bytes arriving here
  bandwidthMbit @3 :UInt64;   # towards this site, 10^6 bit/s; 0: unknown; at most 10^9
  rttMs @4 :UInt32;           # 0: unknown; at most 10,000
}

struct SitePolicy {
  # Empty lists mean everybody.
  tenantsAllowed @0 :List(Text);
  tenantsDenied @1 :List(Text);
  runSecondsMax @2 :UInt32;   # longest time limit that the site grants
}

enum SiteState {
  active @0;
  draining @1;     # runs what it has, takes nothing new
  maintenance @2;  # takes nothing new, and what it had is over
}

struct RoundTrip {
  # What the site's own gossip exchanges measured.
  region @0 :Text;
  code @1 :UInt8;  # 1 to 255: 100 us * 10^(5 * (code - 1) / 254), so 100 us to 10 s in steps of 4.6 %
}

struct Bandwidth {
  # What the site's staging achieved, in 10^6 bit/s; 0: not measured; at most 10^9.
  region @0 :Text;
  inMbit @1 :UInt32;    # from there to the site
  outMbit @2 :UInt32;   # from the site to there
  measured @3 :V.Time;  # the newest transfer's end; not after the record's issue
}

struct SiteRecord {
  # Slow: published when it changes and again before it is over.
  site @0 :Text;          # must be the record's subject
  region @1 :Text;
  jurisdiction @2 :Text;  # ISO 3166-1 alpha-2, capitals
  provider @3 :Text;      # the organisation, for people and for provider constraints
  state @4 :SiteState;
  endpoint @5 :Text;      # "tcp://host:port" where its link listens; none: it only dials out
  pools @6 :List(Pool);   # at most 64
  network @7 :List(NetworkTariff);  # at most 512, no peer twice
  labels @8 :List(V.Entry);
  policy @9 :SitePolicy;
  carbonGramsKwh @10 :UInt32;  # of its electricity; 0: unknown; at most 100,000
  contracts @11 :List(Contract);  # at most 64, none twice
  roundTrips @12 :List(RoundTrip);  # at most 64, sorted by region, none twice; not listed: not measured
  bandwidths @13 :List(Bandwidth);  # likewise
  holdings @14 :List(V.HoldingLabel);  # data kept for later jobs; at most 256, rising, none all zero
}

struct Contract {
  # Prepaid capacity of a tenant: held back from everybody else while the tenant leaves it idle.
  id @0 :Text;           # unique within the site
  tenant @1 :Text;
  pool @2 :Text;         # one of the site's
  units @3 :UInt32;      # at least 1; of all contracts of a pool in force at a time at most its own
  validFrom @4 :V.Time;
  validUntil @5 :V.Time; # after validFrom; from then on it holds nothing
}

struct ContractQuote {
  contract @0 :Text;     # in force, of the site record
  unitsIdle @1 :UInt32;  # there for its tenant beyond the pool's unitsFree
}

struct PoolQuote {
  # Numbers of single nodes, and of whole ones, are those of the machines: they count what is held
  # back for contracts.
  pool @0 :Text;
  unitsFree @1 :UInt32;      # over all nodes, after grants, without what is held back for contracts
  unitsFreeNode @2 :UInt32;  # on the emptiest node; at most unitsFree and the sheet's unitsIdle
  nodesFree @3 :UInt32;      # nodes with nothing on them; likewise
  waitSeconds @4 :UInt32;    # expected wait for one unit; 0 while units are free
  price @5 :V.Ppm;           # factor on the pool's tariff; 1 to 10^9
}

struct QuoteSheet {
  # Fast: when it changes enough to matter, at most once a second and at least every 5 s; valid
  # 15 s. It binds the site: until validUntil it admits at this price while units last.
  site @0 :Text;                   # must be the record's subject
  pools @1 :List(PoolQuote);       # at most 64, none twice
  energyLeftWh @2 :Int64 = -1;     # -1: no quota
  contracts @3 :List(ContractQuote);  # of those in force; at most 64, none twice
}
