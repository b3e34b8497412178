// Writes one JSON document on one line, member by member, always in the same way: what is written
// from equal values is equal byte by byte. Pure.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include "schemas/money.h"
#include "schemas/time.h"

namespace tradewind {

class JsonText {
 public:
  JsonText() { text_.reserve(1'024); }

  // Of the document (an object), or of an element of the list that is open.
  void open();
  void open(std::string_view name);
  void close();
  void open_list(std::string_view name);
  void close_list();

  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, const char* value) { add(name, std::string_view(value)); }
  template <std::integral Number>
  void add(std::string_view name, Number value) {
    key(name);
    text_ += std::to_string(value);
  }
  void add(std::string_view name, bool value);
  // As decimals in strings, as readers of JSON round numbers.
  void add(std::string_view name, Money value) { add(name, to_decimal(value.micros)); }
  void add(std::string_view name, MoneyPerHour value) { add(name, to_decimal(value.micros)); }
  // RFC 3339 with microseconds.
  void add(std::string_view name, Wall::time_point value);
  // A document that is written already.
  void add_text(std::string_view name, std::string_view json);

  // Elements of the list that is open.
  void element(std::string_view value);
  template <std::integral Number>
  void element(Number value) {
    comma();
    text_ += std::to_string(value);
  }

  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  void comma();
  void key(std::string_view name);
  void quoted(std::string_view value);

  std::string text_;
  bool first_ = true;
};

// A text as a JSON document of its own, with its quotes.
std::string json_string(std::string_view text);

// RFC 3339 in UTC with microseconds: "2026-11-22T02:30:00.123456Z".
std::string time_text(Wall::time_point at);

}  // namespace tradewind
