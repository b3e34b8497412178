// Reads the members of JSON objects into C++ values, naming the field at fault by its path:
// "variants[0].executors[1].command". The first fault is kept, what comes after it is skipped, so
// that a reader is a plain list of members.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/api/json.h"
#include "schemas/limits.h"
#include "schemas/result.h"

namespace tradewind {

enum class Strictness {
  strict,   // members that nobody asked for are faults, null is a fault
  lenient,  // they are ignored, and null counts as absent
};

// What all readers of one document share.
struct Reading {
  Strictness strictness = Strictness::strict;
  std::optional<Error> error;  // the first
};

// Names that are asked for are literals, or those of the object's own members.
class ObjectReader {
 public:
  // `path` is the object's own, empty for the document. A value that is no object is a fault.
  ObjectReader(Reading& reading, const json::value& value, std::string path);

  // The names of all members, for objects whose keys are data.
  std::vector<std::string> names() const;
  // Whether the member is there; it then counts as asked for.
  bool has(std::string_view name);

  // Each leaves `out` as it is when the member is absent. True when it was there and good.
  bool text(std::string_view name, std::string& out,
            std::size_t bytes_max = limits::text_bytes_max);
  bool boolean(std::string_view name, bool& out);
  bool number(std::string_view name, std::int64_t& out, std::int64_t min, std::int64_t max);
  template <class Integer>
  bool whole(std::string_view name, Integer& out, std::int64_t min, std::int64_t max) {
    std::int64_t value = 0;
    if (!number(name, value, min, max)) return false;
    out = static_cast<Integer>(value);
    return true;
  }
  // A JSON number or a decimal string; thousandths of it, at most three decimals, not negative.
  bool thousandths(std::string_view name, std::uint64_t& out, std::uint64_t whole_max);
  // Any JSON number.
  bool real(std::string_view name, double& out, double min, double max);
  // A decimal string or a whole number, as micro-units; not negative.
  bool micros(std::string_view name, std::int64_t& out);
  bool texts(std::string_view name, std::vector<std::string>& out, std::size_t entries_max,
             std::size_t bytes_max = limits::text_bytes_max);
  bool text_map(std::string_view name, std::map<std::string, std::string>& out,
                std::size_t bytes_max = limits::text_bytes_max);
  // One of the words; gives its index.
  bool word(std::string_view name, const std::vector<std::string_view>& words, std::size_t& out);
  // Each element of a list, with the element's path.
  bool each(std::string_view name, std::size_t entries_max,
            const std::function<void(const json::value&, const std::string&)>& read);
  // A nested object.
  bool object(std::string_view name, const std::function<void(ObjectReader&)>& read);

  // Faults of the caller's own finding.
  void refuse(std::string_view name, std::string message, std::string remedy,
              ErrorCode code = ErrorCode::invalid);
  void keep(const Status& status);
  // To be called last: in strict reading, names a member that nobody asked for.
  void finish();

  bool failed() const { return reading_.error.has_value(); }
  std::string path_of(std::string_view name) const;

 private:
  const json::value* find(std::string_view name);
  // A member that is a list; null when it is absent or bad.
  const json::array* list(std::string_view name, std::size_t entries_max);
  // Whether the value is a text that may be taken; else a fault at that path.
  template <class Path>
  bool is_good(const json::value& value, Path path, std::size_t bytes_max);

  Reading& reading_;
  const json::object* object_ = nullptr;
  std::string path_;
  std::uint64_t present_ = 0;            // a bit for each name that there is, see bit_of
  std::vector<std::string_view> asked_;  // some of them twice
};

// A short, safe rendering of a value for error messages.
std::string brief(const json::value& value);
std::string brief(std::string_view text);

}  // namespace tradewind
