// Reads what JsonText writes, from bytes that are not trusted. The first fault is kept, what comes
// after it reads as absent. One thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/money.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

namespace json = boost::json;

// The document's object. Fails with ErrorCode::invalid when the text is no JSON object, names a
// member twice or is nested more than 32 deep.
Result<json::value> read_json(std::string_view field, std::string_view text,
                              json::storage_ptr storage = {});

class JsonMembers {
 public:
  // Both must outlive it; the error is shared by all readers of one document.
  JsonMembers(const json::object& object, std::optional<Error>& error)
      : object_(&object), error_(&error) {}

  bool has(std::string_view name) const { return object_->contains(name); }
  // Absent ones read as the default. The view lives as long as the document.
  std::string_view view(std::string_view name) const;
  std::string text(std::string_view name) const;
  bool flag(std::string_view name, bool otherwise = false) const;
  template <class Number>
  Number number(std::string_view name, Number otherwise = 0) const {
    if (!has(name)) return otherwise;
    return static_cast<Number>(
        whole(name, static_cast<std::int64_t>(std::numeric_limits<Number>::min()),
              static_cast<std::uint64_t>(std::numeric_limits<Number>::max())));
  }
  std::int64_t micros(std::string_view name) const;
  std::optional<Wall::time_point> time(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  // None where the member is absent.
  std::optional<JsonMembers> object(std::string_view name) const;
  std::vector<JsonMembers> objects(std::string_view name) const;
  const json::object& raw() const { return *object_; }

  // Unless there was a fault before.
  void fault(std::string_view name, std::string_view what) const;
  bool good() const { return !error_->has_value(); }

 private:
  const json::value* member(std::string_view name) const;
  std::int64_t whole(std::string_view name, std::int64_t min, std::uint64_t max) const;

  const json::object* object_;
  std::optional<Error>* error_;
};

}  // namespace tradewind
