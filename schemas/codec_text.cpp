// Texts, bytes and maps of messages.
#include "schemas/ascii.h"
#include "schemas/codec_internal.h"
#include "schemas/rates.h"
#include "schemas/utf8.h"

namespace tradewind::codec {
namespace {

std::string_view view(capnp::Text::Reader text) {
  return {text.begin(), text.size()};
}

// Whether it is UTF-8 without control characters, those of C1 included, which terminals obey.
bool is_clean(std::string_view text) {
  while (!text.empty()) {
    const auto point = take_code_point(text);
    if (!point || *point < 0x20 || (*point >= 0x7f && *point < 0xa0)) return false;
  }
  return true;
}

template <class ReadText>
Map read_map(std::string_view field, MapReader list, ReadText&& read_each) {
  if (list.size() > limits::map_entries_max) {
    over_limit(field, list.size(), limits::map_entries_max);
  }
  Map values;
  for (const auto each : list) {
    std::string key = read_each(field, each.getKey());
    if (!values.empty() && key <= values.rbegin()->first) {
      broken(field, "has keys that are not sorted or come twice");
    }
    values.emplace_hint(values.end(), std::move(key), read_each(field, each.getValue()));
  }
  return values;
}

}  // namespace

std::string read_text(std::string_view field, capnp::Text::Reader text, std::size_t bytes_max) {
  if (text.size() > bytes_max) over_limit(field, text.size(), bytes_max);
  return std::string(view(text));
}

std::string read_clean_text(std::string_view field, capnp::Text::Reader text) {
  std::string value = read_text(field, text, limits::text_bytes_max);
  if (!is_clean(value)) broken(field, "is not UTF-8, or has control characters");
  return value;
}

std::string read_name(std::string_view field, capnp::Text::Reader text) {
  if (const Status good = check_name(field, view(text)); !good) broken(field, good.error().message);
  return std::string(view(text));
}

std::string read_name_or_none(std::string_view field, capnp::Text::Reader text) {
  return text.size() == 0 ? std::string() : read_name(field, text);
}

std::string read_currency(std::string_view field, capnp::Text::Reader text) {
  if (!is_currency(view(text))) {
    broken(field, "is no currency; a currency is three capital letters");
  }
  return std::string(view(text));
}

NodeId read_node(std::string_view field, capnp::Text::Reader text) {
  const std::string_view node(text.begin(), text.size());
  const auto slash = node.find('/');
  const std::string_view role = node.substr(0, slash);
  if (slash == std::string_view::npos || (role != "site" && role != "broker") ||
      !check_name(field, node.substr(slash + 1))) {
    broken(field, "is no node; a node is \"site/NAME\" or \"broker/NAME\"");
  }
  return NodeId{std::string(node)};
}

JobId read_job_id(std::string_view field, capnp::Text::Reader text) {
  if (!is_job_id(view(text))) broken(field, "is no job id");
  return JobId{std::string(view(text))};
}

std::string read_sha256(std::string_view field, capnp::Text::Reader text) {
  const std::string_view digits = view(text);
  const bool good = digits.empty() || (digits.size() == 64 && is_lower_hex(digits));
  if (!good) broken(field, "is no SHA-256 digest in lower-case hexadecimal");
  return std::string(digits);
}

Bytes read_bytes(std::string_view field, capnp::Data::Reader bytes, std::size_t bytes_max) {
  if (bytes.size() > bytes_max) over_limit(field, bytes.size(), bytes_max);
  return Bytes(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

Bytes read_bytes_exactly(std::string_view field, capnp::Data::Reader bytes, std::size_t size) {
  if (bytes.size() != size) {
    broken(field,
           "has " + std::to_string(bytes.size()) + " bytes instead of " + std::to_string(size));
  }
  return read_bytes(field, bytes, size);
}

void write_map(MapBuilder list, const Map& values) {
  unsigned i = 0;
  for (const auto& [key, value] : values) {
    auto entry = list[i++];
    put_text(entry, &schema::Entry::Builder::setKey, key);
    put_text(entry, &schema::Entry::Builder::setValue, value);
  }
}

Map read_document_map(std::string_view field, MapReader list) {
  return read_map(field, list, read_document_text);
}

Map read_clean_map(std::string_view field, MapReader list) {
  return read_map(field, list, read_clean_text);
}

}  // namespace tradewind::codec
