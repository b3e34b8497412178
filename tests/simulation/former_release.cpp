#include "tests/simulation/former_release.h"

#include "schemas/kj_string_compare.h"

#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/schema-parser.h>
#include <capnp/serialize.h>
#include <kj/filesystem.h>

#include <cstring>
#include <map>
#include <string>

#include "schemas/assert.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "schemas/packing.h"

namespace tradewind::simulation {
namespace {

// The schemas of the former release, read from their text.
class FormerSchemas {
 public:
  FormerSchemas()
      : files_(kj::newDiskFilesystem()),
        directory_(files_->getRoot().openSubdir(kj::Path(nullptr).eval(TRADEWIND_FORMER_SCHEMAS),
                                                kj::WriteMode::MODIFY)) {}

  capnp::StructSchema find(const char* file, const char* name) {
    auto& held = found_[name];
    if (!held) {
      held = parser_.parseFromDirectory(*directory_, kj::Path(file), nullptr)
                 .getNested(name)
                 .asStruct();
    }
    return *held;
  }

 private:
  kj::Own<kj::Filesystem> files_;
  kj::Own<const kj::Directory> directory_;
  capnp::SchemaParser parser_;
  std::map<std::string, std::optional<capnp::StructSchema>> found_;
};

bool copy(capnp::DynamicStruct::Reader from, capnp::DynamicStruct::Builder to);

bool copy_list(capnp::DynamicList::Reader from, capnp::DynamicList::Builder to) {
  for (unsigned i = 0; i < from.size(); ++i) {
    const capnp::DynamicValue::Reader value = from[i];
    switch (value.getType()) {
      case capnp::DynamicValue::STRUCT:
        if (!copy(value.as<capnp::DynamicStruct>(), to[i].as<capnp::DynamicStruct>())) return false;
        break;
      case capnp::DynamicValue::LIST: {
        const auto inner = value.as<capnp::DynamicList>();
        if (!copy_list(inner, to.init(i, inner.size()).as<capnp::DynamicList>())) return false;
        break;
      }
      case capnp::DynamicValue::ENUM:
        if (value.as<capnp::DynamicEnum>().getEnumerant() == nullptr) return false;
        to.set(i, value);
        break;
      default: to.set(i, value);
    }
  }
  return true;
}

bool copy_field(capnp::DynamicStruct::Reader from, capnp::StructSchema::Field field,
                capnp::DynamicStruct::Builder to) {
  if (!from.has(field)) return true;
  const capnp::DynamicValue::Reader value = from.get(field);
  switch (value.getType()) {
    case capnp::DynamicValue::STRUCT:
      return copy(value.as<capnp::DynamicStruct>(), to.init(field).as<capnp::DynamicStruct>());
    case capnp::DynamicValue::LIST: {
      const auto list = value.as<capnp::DynamicList>();
      return copy_list(list, to.init(field, list.size()).as<capnp::DynamicList>());
    }
    case capnp::DynamicValue::ENUM:
      if (value.as<capnp::DynamicEnum>().getEnumerant() == nullptr) return false;
      break;
    default: break;
  }
  to.set(field, value);
  return true;
}

// Field by field, since a copy of the whole would take along what the schema does not know.
bool copy(capnp::DynamicStruct::Reader from, capnp::DynamicStruct::Builder to) {
  if (from.getSchema().getUnionFields().size() > 0) {
    KJ_IF_MAYBE (field, from.which()) {
      // Also what is as nothing, so that it is known which of them it is.
      if (!from.has(*field)) {
        to.clear(*field);
      } else if (!copy_field(from, *field, to)) {
        return false;
      }
    } else {
      return false;
    }
  }
  for (const capnp::StructSchema::Field field : from.getSchema().getNonUnionFields()) {
    if (!copy_field(from, field, to)) return false;
  }
  return true;
}

template <class T, class Decode>
std::optional<T> known(const T& value, const char* file, const char* name, Decode decode) {
  static FormerSchemas schemas;
  const capnp::StructSchema schema = schemas.find(file, name);
  Bytes bytes = encode(value);
  // Packed it would be the same to either release.
  if (codec::is_packed(bytes)) bytes = *codec::unpack(name, bytes, limits::job_record_bytes_max);
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  capnp::FlatArrayMessageReader reader(words);
  capnp::MallocMessageBuilder builder;
  if (!copy(reader.getRoot<capnp::DynamicStruct>(schema),
            builder.initRoot<capnp::DynamicStruct>(schema))) {
    return std::nullopt;
  }
  const auto flat = capnp::messageToFlatArray(builder);
  const auto chars = flat.asChars();
  auto decoded = decode(BytesView(chars.begin(), chars.size()));
  // This release reads whatever the former one wrote.
  TRADEWIND_ASSERT(decoded.has_value());
  return std::move(*decoded);
}

}  // namespace

std::optional<ToGateway> as_former(const ToGateway& message) {
  return known(message, "dispatch.capnp", "ToGateway", decode_to_gateway);
}
std::optional<ToBroker> as_former(const ToBroker& message) {
  return known(message, "dispatch.capnp", "ToBroker", decode_to_broker);
}
std::optional<Entry> as_former(const Entry& entry) {
  return known(entry, "journal.capnp", "JournalEntry", decode_entry);
}
std::optional<JobRecord> as_former(const JobRecord& record) {
  return known(record, "journal.capnp", "JobRecord", decode_job_record);
}
std::optional<HeldAttempt> as_former(const HeldAttempt& held) {
  return known(held, "held.capnp", "HeldAttempt", decode_held_attempt);
}

}  // namespace tradewind::simulation
