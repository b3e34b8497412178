// How messages are built and read; for the codec's own files only.
//
// Each type has one pair: `write` fills a builder, `read` turns a reader into a value and checks
// form and bounds. Inside the codec a bad message is thrown as `Broken`; `decode_message` is the
// edge where that, and whatever Cap'n Proto throws, becomes an error value.
#pragma once

#include "schemas/kj_string_compare.h"
// The shim above must come first.
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "dataset.capnp.h"
#include "decision.capnp.h"
#include "dispatch.capnp.h"
#include "gossip.capnp.h"
#include "held.capnp.h"
#include "identity.capnp.h"
#include "job.capnp.h"
#include "journal.capnp.h"
#include "market.capnp.h"
#include "schemas/assert.h"
#include "schemas/dataset.h"
#include "schemas/decision.h"
#include "schemas/dispatch.h"
#include "schemas/gossip.h"
#include "schemas/job.h"
#include "schemas/journal.h"
#include "schemas/limits.h"
#include "schemas/packing.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/site.h"
#include "vocabulary.capnp.h"

namespace tradewind::codec {

// --- what is wrong with a message ---------------------------------------------------------------

struct Broken {
  Error error;
};
// The bytes are not what they must be; `message` goes on from the field's name: "is negative".
[[noreturn]] void broken(std::string_view field, std::string message);
// A count or size is over its bound.
[[noreturn]] void over_limit(std::string_view field, std::size_t size, std::size_t limit);
// A union's member or an enum's value from a newer schema.
[[noreturn]] void unknown_kind(std::string_view field, unsigned kind);

// --- the pairs: declared before the templates that call them ------------------------------------

// codec_vocabulary.cpp
void write(schema::Resources::Builder to, const Resources& from);
void read(schema::Resources::Reader from, Resources& to);
void write(schema::Accelerator::Builder to, const Accelerator& from);
void read(schema::Accelerator::Reader from, Accelerator& to);
void write(schema::AcceleratorNeed::Builder to, const AcceleratorNeed& from);
void read(schema::AcceleratorNeed::Reader from, AcceleratorNeed& to);
void write(schema::AttemptId::Builder to, const AttemptId& from);
void read(schema::AttemptId::Reader from, AttemptId& to);
void write(schema::HoldingLabel::Builder to, const HoldingLabel& from);
void read(schema::HoldingLabel::Reader from, HoldingLabel& to);
void write(schema::RecordVersion::Builder to, const RecordVersion& from);
void read(schema::RecordVersion::Reader from, RecordVersion& to);
void write(schema::SignedRecord::Builder to, const SignedRecord& from);
void read(schema::SignedRecord::Reader from, SignedRecord& to);
void write(schema::Equivocation::Builder to, const Equivocation& from);
void read(schema::Equivocation::Reader from, Equivocation& to);
// Sites that a job is not given to just now: sorted, none twice, at most
// limits::exclusions_per_job_max.
void read_sites(std::string_view field, capnp::List<capnp::Text>::Reader from,
                std::vector<SiteId>& to);

// codec_record.cpp
void write(schema::RecordHeader::Builder to, const RecordHeader& from);
void read(schema::RecordHeader::Reader from, RecordHeader& to);
void write(schema::Member::Builder to, const Member& from);
void read(schema::Member::Reader from, Member& to);
void write(schema::Record::Builder to, const Record& from);

// codec_site.cpp
void write(schema::Tariff::Builder to, const Tariff& from);
void read(schema::Tariff::Reader from, Tariff& to);
void write(schema::PriceCurve::Builder to, const PriceCurve& from);
void read(schema::PriceCurve::Reader from, PriceCurve& to);
void write(schema::Pool::Builder to, const Pool& from);
void read(schema::Pool::Reader from, Pool& to);
void write(schema::RoundTrip::Builder to, const RoundTrip& from);
void read(schema::RoundTrip::Reader from, RoundTrip& to);
void write(schema::Bandwidth::Builder to, const Bandwidth& from);
void read(schema::Bandwidth::Reader from, Bandwidth& to);
void write(schema::NetworkTariff::Builder to, const NetworkTariff& from);
void read(schema::NetworkTariff::Reader from, NetworkTariff& to);
void write(schema::Contract::Builder to, const Contract& from);
void read(schema::Contract::Reader from, Contract& to);
void write(schema::ContractQuote::Builder to, const ContractQuote& from);
void read(schema::ContractQuote::Reader from, ContractQuote& to);
void write(schema::SitePolicy::Builder to, const SitePolicy& from);
void read(schema::SitePolicy::Reader from, SitePolicy& to);
void write(schema::SiteRecord::Builder to, const SiteRecord& from);
void read(schema::SiteRecord::Reader from, SiteRecord& to);
void write(schema::PoolQuote::Builder to, const PoolQuote& from);
void read(schema::PoolQuote::Reader from, PoolQuote& to);
void write(schema::QuoteSheet::Builder to, const QuoteSheet& from);
void read(schema::QuoteSheet::Reader from, QuoteSheet& to);

// codec_job.cpp
void write(schema::Executor::Builder to, const Executor& from);
void read(schema::Executor::Reader from, Executor& to);
void write(schema::Replica::Builder to, const Replica& from);
void read(schema::Replica::Reader from, Replica& to);
void write(schema::Input::Builder to, const Input& from);
void read(schema::Input::Reader from, Input& to);
void write(schema::Output::Builder to, const Output& from);
void read(schema::Output::Reader from, Output& to);
void write(schema::Variant::Builder to, const Variant& from);
void read(schema::Variant::Reader from, Variant& to);
void write(schema::Constraints::Builder to, const Constraints& from);
void read(schema::Constraints::Reader from, Constraints& to);
void write(schema::JobSpec::Builder to, const JobSpec& from);
void read(schema::JobSpec::Reader from, JobSpec& to);

// codec_dataset.cpp
void write(schema::Dataset::Builder to, const Dataset& from);
void read(schema::Dataset::Reader from, Dataset& to);

// codec_decision.cpp
void write(schema::CostBreakdown::Builder to, const CostBreakdown& from);
void read(schema::CostBreakdown::Reader from, CostBreakdown& to);
void write(schema::FinishEstimate::Builder to, const FinishEstimate& from);
void read(schema::FinishEstimate::Reader from, FinishEstimate& to);
void write(schema::Candidate::Builder to, const Candidate& from);
void read(schema::Candidate::Reader from, Candidate& to);
void write(schema::Rejection::Builder to, const Rejection& from);
void read(schema::Rejection::Reader from, Rejection& to);
void write(schema::ReliedOn::Builder to, const ReliedOn& from);
void read(schema::ReliedOn::Reader from, ReliedOn& to);
void write(schema::QuoteTerms::Builder to, const QuoteTerms& from);
void read(schema::QuoteTerms::Reader from, QuoteTerms& to);
void write(schema::Decision::Builder to, const Decision& from);
void read(schema::Decision::Reader from, Decision& to);

// codec_assignment.cpp
void write(schema::Assignment::Builder to, const Assignment& from);
void read(schema::Assignment::Reader from, Assignment& to);

// codec_end_report.cpp
void write(schema::ExecutorEnd::Builder to, const ExecutorEnd& from);
void read(schema::ExecutorEnd::Reader from, ExecutorEnd& to);
void write(schema::StagedInput::Builder to, const StagedInput& from);
void read(schema::StagedInput::Reader from, StagedInput& to);
void write(schema::OutputFile::Builder to, const OutputFile& from);
void read(schema::OutputFile::Reader from, OutputFile& to);
void write(schema::Usage::Builder to, const Usage& from);
void read(schema::Usage::Reader from, Usage& to);
void write(schema::EndReport::Builder to, const EndReport& from);
void read(schema::EndReport::Reader from, EndReport& to);

// codec_dispatch.cpp
void write(schema::ToGateway::Builder to, const ToGateway& from);
void read(schema::ToGateway::Reader from, ToGateway& to);
void write(schema::ToBroker::Builder to, const ToBroker& from);
void read(schema::ToBroker::Reader from, ToBroker& to);

// codec_job_record.cpp
void write(schema::AttemptRecord::Builder to, const AttemptRecord& from);
void read(schema::AttemptRecord::Reader from, AttemptRecord& to);
void write(schema::JobRecord::Builder to, const JobRecord& from);
void read(schema::JobRecord::Reader from, JobRecord& to);

// codec_gossip.cpp
void write(schema::GossipMessage::Builder to, const GossipMessage& from);
void read(schema::GossipMessage::Reader from, GossipMessage& to);

// codec_held.cpp
void write(schema::HeldAttempt::Builder to, const HeldAttempt& from);
void read(schema::HeldAttempt::Reader from, HeldAttempt& to);

// codec_digests.cpp
void write(schema::Digests::Builder to, const std::vector<Digest>& from);
void read(schema::Digests::Reader from, std::vector<Digest>& to);

// --- framing ------------------------------------------------------------------------------------

// One message being built. The first segment is a thread's own and is used again and again, so
// that small messages cost no allocation; at most one may exist in a thread at a time.
class Building {
 public:
  Building();
  template <class Schema>
  typename Schema::Builder root() {
    return message_.initRoot<Schema>();
  }
  Bytes finish();

 private:
  capnp::MallocMessageBuilder message_;
};

// The bytes as words that are aligned: in place where they are, else a copy.
class Words {
 public:
  explicit Words(BytesView bytes);
  kj::ArrayPtr<const capnp::word> array() const { return array_; }

 private:
  kj::Array<capnp::word> copy_;
  kj::ArrayPtr<const capnp::word> array_;
};

// Fails unless the size is one that a message of at most `bytes_max` can have.
Status check_size(std::string_view name, BytesView bytes, std::size_t bytes_max);
// A message of this size may be traversed about once, so that pointers that share an object cannot
// blow it up.
capnp::ReaderOptions reader_options(std::size_t bytes);
// The error of something that Cap'n Proto threw.
Error malformed(std::string_view name, std::string_view description);

template <class Schema, class T>
Bytes encode_message(const T& value) {
  Building building;
  write(building.root<Schema>(), value);
  return building.finish();
}

// Reads `bytes` as a Schema and returns what `read_root(reader)` returns.
template <class Schema, class Read>
auto decode_message(std::string_view name, BytesView bytes, std::size_t bytes_max, Read&& read_root)
    -> Result<std::invoke_result_t<Read, typename Schema::Reader>> {
  if (const Status fits = check_size(name, bytes, bytes_max); !fits) return fail(fits.error());
  try {
    const Words words(bytes);
    capnp::FlatArrayMessageReader message(words.array(), reader_options(bytes.size()));
    if (message.getEnd() != words.array().end()) broken(name, "has bytes after its end");
    return read_root(message.getRoot<Schema>());
  } catch (const Broken& failure) {
    return fail(failure.error);
  } catch (const kj::Exception& exception) {
    const kj::StringPtr description = exception.getDescription();
    return fail(malformed(name, std::string_view(description.begin(), description.size())));
  } catch (const std::exception& exception) {
    return fail(malformed(name, exception.what()));
  }
}

// The usual case: the root is read by the `read` of T.
template <class Schema, class T>
Result<T> decode_value(std::string_view name, BytesView bytes, std::size_t bytes_max) {
  return decode_message<Schema>(name, bytes, bytes_max, [](typename Schema::Reader from) {
    T value;
    read(from, value);
    return value;
  });
}

// What is packed now and was flat once.
template <class DecodeFlat>
auto decode_either(std::string_view name, BytesView bytes, std::size_t bytes_max,
                   DecodeFlat&& decode_flat) -> std::invoke_result_t<DecodeFlat, BytesView> {
  if (!is_packed(bytes)) return decode_flat(bytes);
  const Result<Bytes> flat = unpack(name, bytes, bytes_max);
  if (!flat) return fail(flat.error());
  return decode_flat(*flat);
}

// --- numbers, times, enums ----------------------------------------------------------------------

// Refuses what is outside [low, high].
std::int64_t in_range(std::string_view field, std::int64_t value, std::int64_t low,
                      std::int64_t high);
void check_at_most(std::string_view field, std::uint64_t value, std::uint64_t high);
inline std::int64_t not_negative(std::string_view field, std::int64_t value) {
  return in_range(field, value, 0, INT64_MAX);
}
inline Money read_money(std::string_view field, std::int64_t micros) {
  return Money{not_negative(field, micros)};
}
Wall::time_point read_time(std::string_view field, std::int64_t micros);
inline std::int64_t micros_of(Wall::time_point at) {
  return at.time_since_epoch().count();
}

template <class Enum>
inline constexpr std::uint16_t enum_count = 0;
template <>
inline constexpr std::uint16_t enum_count<Architecture> = architectures_count;
template <>
inline constexpr std::uint16_t enum_count<Interconnect> = interconnects_count;
template <>
inline constexpr std::uint16_t enum_count<RecordKind> = record_kinds_count;
template <>
inline constexpr std::uint16_t enum_count<MemberState> = member_states_count;
template <>
inline constexpr std::uint16_t enum_count<MemberCause> = member_causes_count;
template <>
inline constexpr std::uint16_t enum_count<BudgetPeriod> = budget_periods_count;
template <>
inline constexpr std::uint16_t enum_count<SiteState> = site_states_count;
template <>
inline constexpr std::uint16_t enum_count<FileType> = 2;
template <>
inline constexpr std::uint16_t enum_count<Objective> = 3;
template <>
inline constexpr std::uint16_t enum_count<OnDisconnect> = 2;
template <>
inline constexpr std::uint16_t enum_count<ReasonCode> = reason_codes_count;
template <>
inline constexpr std::uint16_t enum_count<Outcome> = outcomes_count;
template <>
inline constexpr std::uint16_t enum_count<LogStream> = 2;
template <>
inline constexpr std::uint16_t enum_count<RefusalCode> = refusal_codes_count;
template <>
inline constexpr std::uint16_t enum_count<AttemptPhase> = attempt_phases_count;
template <>
inline constexpr std::uint16_t enum_count<EndCode> = end_codes_count;
template <>
inline constexpr std::uint16_t enum_count<JobState> = job_states_count;
template <>
inline constexpr std::uint16_t enum_count<AttemptState> = attempt_states_count;

// Whether the schema's enum, whose last enumerant is given, is as long as ours.
template <class Enum, class SchemaEnum>
constexpr bool same_length(SchemaEnum last) {
  return enum_count<Enum> == static_cast<std::uint16_t>(last) + 1;
}

template <class Enum, class SchemaEnum>
Enum read_enum(std::string_view field, SchemaEnum raw) {
  static_assert(enum_count<Enum> > 0);
  const auto value = static_cast<std::uint16_t>(raw);
  if (value >= enum_count<Enum>) unknown_kind(field, value);
  return static_cast<Enum>(value);
}

// --- texts, bytes, lists, maps ------------------------------------------------------------------

// Where a text comes from decides how strict we are. A user's document was judged at the endpoint
// and is in the journal for good, so only its size counts here; likewise what an attempt left
// behind, since a file's name need not be UTF-8. What members say of themselves must be clean UTF-8
// without control characters: it is shown to everybody.
std::string read_text(std::string_view field, capnp::Text::Reader text, std::size_t bytes_max);
inline std::string read_document_text(std::string_view field, capnp::Text::Reader text) {
  return read_text(field, text, limits::job_document_bytes_max);
}
inline std::string read_report_text(std::string_view field, capnp::Text::Reader text) {
  return read_text(field, text, limits::report_text_bytes_max);
}
std::string read_clean_text(std::string_view field, capnp::Text::Reader text);
// 1 to 63 of a-z, 0-9, '-': sites, regions, pools, tenants.
std::string read_name(std::string_view field, capnp::Text::Reader text);
// The same, or empty.
std::string read_name_or_none(std::string_view field, capnp::Text::Reader text);
// Three capital letters.
std::string read_currency(std::string_view field, capnp::Text::Reader text);
// "site/NAME" or "broker/NAME".
NodeId read_node(std::string_view field, capnp::Text::Reader text);
// Empty, or "tcp://...".
std::string read_endpoint(std::string_view field, capnp::Text::Reader text);
JobId read_job_id(std::string_view field, capnp::Text::Reader text);
// Empty, or 64 lower-case hexadecimal digits.
std::string read_sha256(std::string_view field, capnp::Text::Reader text);
Bytes read_bytes(std::string_view field, capnp::Data::Reader bytes, std::size_t bytes_max);
Bytes read_bytes_exactly(std::string_view field, capnp::Data::Reader bytes, std::size_t size);

template <class Builder>
void put_text(Builder& to, void (Builder::*set)(capnp::Text::Reader), const std::string& value) {
  if (!value.empty()) (to.*set)(capnp::Text::Reader(value.data(), value.size()));
}
template <class Builder>
void put_bytes(Builder& to, void (Builder::*set)(capnp::Data::Reader), const Bytes& value) {
  if (value.empty()) return;
  (to.*
   set)(capnp::Data::Reader(reinterpret_cast<const unsigned char*>(value.data()), value.size()));
}

// Our own lists are far below what a message can hold.
unsigned list_size(std::size_t size);

// Writes a list of structs, or nothing when it is empty.
template <class Builder, class List, class T>
void put_list(Builder& to, List (Builder::*init)(unsigned), const std::vector<T>& values) {
  if (values.empty()) return;
  List list = (to.*init)(list_size(values.size()));
  for (unsigned i = 0; i < list.size(); ++i) write(list[i], values[i]);
}
template <class T, class List>
void read_list(std::string_view field, List list, std::size_t count_max, std::vector<T>& values) {
  if (list.size() > count_max) over_limit(field, list.size(), count_max);
  values.reserve(list.size());
  for (const auto each : list) read(each, values.emplace_back());
}

using TextsBuilder = capnp::List<capnp::Text>::Builder;
using TextsReader = capnp::List<capnp::Text>::Reader;
inline const std::string& text_of(const std::string& value) {
  return value;
}
template <class Id>
const std::string& text_of(const Id& id) {
  return id.value;
}
// Writes a list of texts or of ids, each whole, whatever is in it.
template <class T>
void write_texts(TextsBuilder list, const std::vector<T>& values) {
  for (unsigned i = 0; i < list.size(); ++i) {
    const std::string& each = text_of(values[i]);
    if (!each.empty()) list.set(i, capnp::Text::Reader(each.data(), each.size()));
  }
}
// The same, or nothing when it is empty.
template <class Builder, class T>
void put_texts(Builder& to, TextsBuilder (Builder::*init)(unsigned), const std::vector<T>& values) {
  if (!values.empty()) write_texts((to.*init)(list_size(values.size())), values);
}

// Writes a list of numbers or enums, or nothing when it is empty; `number_of` tells what is written
// of a value.
template <class Builder, class List, class T, class NumberOf = std::identity>
void put_numbers(Builder& to, List (Builder::*init)(unsigned), const std::vector<T>& values,
                 NumberOf number_of = {}) {
  if (values.empty()) return;
  List list = (to.*init)(list_size(values.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, std::invoke(number_of, values[i]));
}

// Reads a list of texts or numbers, each with `read_each(field, value)`.
template <class T, class List, class ReadEach>
void read_values(std::string_view field, List list, std::size_t count_max, ReadEach&& read_each,
                 std::vector<T>& values) {
  if (list.size() > count_max) over_limit(field, list.size(), count_max);
  values.reserve(list.size());
  for (const auto each : list) values.push_back(T{read_each(field, each)});
}
template <class T, class List>
void read_numbers(std::string_view field, List list, std::size_t count_max,
                  std::vector<T>& values) {
  read_values(field, list, count_max, [](std::string_view, auto number) { return number; }, values);
}
// Refuses values that are not sorted, or of which one comes twice, by what `key` tells of them.
template <class T, class Key = std::identity>
void check_rising(std::string_view field, const std::vector<T>& values, std::string_view message,
                  Key key = {}) {
  if (std::ranges::adjacent_find(values, std::greater_equal<>(), key) != values.end()) {
    broken(field, std::string(message));
  }
}

using Map = std::map<std::string, std::string>;
using MapBuilder = capnp::List<schema::Entry>::Builder;
using MapReader = capnp::List<schema::Entry>::Reader;
void write_map(MapBuilder list, const Map& values);
template <class Builder>
void put_map(Builder& to, MapBuilder (Builder::*init)(unsigned), const Map& values) {
  if (!values.empty()) write_map((to.*init)(list_size(values.size())), values);
}
// At most limits::map_entries_max pairs, sorted, no key twice.
Map read_document_map(std::string_view field, MapReader list);
Map read_clean_map(std::string_view field, MapReader list);

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};
template <class... Each>
Overloaded(Each...) -> Overloaded<Each...>;

}  // namespace tradewind::codec
