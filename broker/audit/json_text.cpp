#include "broker/audit/json_text.h"

#include <algorithm>
#include <chrono>

#include "schemas/utf8.h"

namespace tradewind {
namespace {

void digits(std::string& text, std::uint64_t value, int count) {
  char raw[20];
  for (int at = count; at > 0; --at, value /= 10) raw[at - 1] = static_cast<char>('0' + value % 10);
  text.append(raw, static_cast<std::size_t>(count));
}

bool is_plain(char each) {
  return each >= 0x20 && each < 0x7f && each != '"' && each != '\\';
}

}  // namespace

namespace {

void append_time(std::string& text, Wall::time_point at) {
  using namespace std::chrono;
  // Of the years 0 to 9999 that the form has.
  constexpr Wall::duration first = sys_days{year{0} / January / 1}.time_since_epoch();
  constexpr Wall::duration last =
      sys_days{year{10'000} / January / 1}.time_since_epoch() - microseconds(1);
  const auto since = std::clamp(at.time_since_epoch(), first, last);
  const auto day = floor<days>(since);
  const year_month_day date{sys_days{day}};
  const auto of_day = static_cast<std::uint64_t>((since - day).count());
  digits(text, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  text += '-';
  digits(text, static_cast<unsigned>(date.month()), 2);
  text += '-';
  digits(text, static_cast<unsigned>(date.day()), 2);
  text += 'T';
  digits(text, of_day / 3'600'000'000, 2);
  text += ':';
  digits(text, of_day / 60'000'000 % 60, 2);
  text += ':';
  digits(text, of_day / 1'000'000 % 60, 2);
  text += '.';
  digits(text, of_day % 1'000'000, 6);
  text += 'Z';
}

}  // namespace

std::string time_text(Wall::time_point at) {
  std::string text;
  append_time(text, at);
  return text;
}

std::string json_string(std::string_view text) {
  JsonText out;
  out.element(text);
  return out.take();
}

void JsonText::comma() {
  if (!first_) text_ += ',';
  first_ = false;
}

void JsonText::key(std::string_view name) {
  comma();
  text_ += '"';
  text_ += name;
  text_ += "\":";
}

void JsonText::open() {
  comma();
  text_ += '{';
  first_ = true;
}

void JsonText::open(std::string_view name) {
  key(name);
  text_ += '{';
  first_ = true;
}

void JsonText::close() {
  text_ += '}';
  first_ = false;
}

void JsonText::open_list(std::string_view name) {
  key(name);
  text_ += '[';
  first_ = true;
}

void JsonText::close_list() {
  text_ += ']';
  first_ = false;
}

void JsonText::add(std::string_view name, std::string_view value) {
  key(name);
  quoted(value);
}

void JsonText::add(std::string_view name, bool value) {
  key(name);
  text_ += value ? "true" : "false";
}

void JsonText::add(std::string_view name, Wall::time_point value) {
  key(name);
  text_ += '"';
  append_time(text_, value);
  text_ += '"';
}

void JsonText::add_text(std::string_view name, std::string_view json) {
  key(name);
  text_ += json;
}

void JsonText::element(std::string_view value) {
  comma();
  quoted(value);
}

// Bytes that are no UTF-8 become U+FFFD: texts from sites are hostile.
void JsonText::quoted(std::string_view value) {
  text_ += '"';
  while (!value.empty()) {
    std::size_t plain = 0;
    while (plain < value.size() && is_plain(value[plain])) ++plain;
    text_.append(value.data(), plain);
    value.remove_prefix(plain);
    if (value.empty()) break;
    const char each = value.front();
    if (each == '"' || each == '\\') {
      text_ += '\\';
      text_ += each;
      value.remove_prefix(1);
      continue;
    }
    const std::string_view before = value;
    const auto point = take_code_point(value);
    if (!point) {
      text_ += "\xef\xbf\xbd";
      value.remove_prefix(1);
    } else if (*point < 0x20 || *point == 0x7f) {
      constexpr std::string_view hex = "0123456789abcdef";
      text_ += "\\u00";
      text_ += hex[*point >> 4];
      text_ += hex[*point & 15];
    } else {
      text_.append(before.data(), before.size() - value.size());
    }
  }
  text_ += '"';
}

}  // namespace tradewind
