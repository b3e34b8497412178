#include "schemas/time.h"

#include <fmt/format.h>

#include <cctype>

namespace tradewind {

Now system_now() {
  using std::chrono::duration_cast;
  return Now{Mono::time_point(duration_cast<Mono::duration>(
                 std::chrono::steady_clock::now().time_since_epoch())),
             Wall::time_point(duration_cast<Wall::duration>(
                 std::chrono::system_clock::now().time_since_epoch()))};
}

std::string to_rfc3339(Wall::time_point at) {
  using namespace std::chrono;
  const auto since = at.time_since_epoch();
  const auto days = floor<std::chrono::days>(since);
  const year_month_day date{sys_days{days}};
  const hh_mm_ss clock{floor<milliseconds>(since - days)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Result<Wall::time_point> parse_rfc3339(std::string_view field, std::string_view text) {
  using namespace std::chrono;
  const auto bad = [&] {
    return fail(ErrorCode::invalid, std::string(field),
                "\"" + std::string(text.substr(0, 80)) + "\" is no time",
                "write RFC 3339 with a zone, such as 2026-11-22T02:30:00Z");
  };
  std::size_t at = 0;
  const auto number = [&](std::size_t digits, int& value) {
    value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at) {
      if (at >= text.size() || std::isdigit(static_cast<unsigned char>(text[at])) == 0)
        return false;
      value = value * 10 + (text[at] - '0');
    }
    return true;
  };
  const auto literal = [&](std::string_view any_of) {
    return at < text.size() && any_of.find(text[at]) != std::string_view::npos ? (++at, true)
                                                                               : false;
  };
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (!(number(4, y) && literal("-") && number(2, mo) && literal("-") && number(2, d) &&
        literal("Tt ") && number(2, h) && literal(":") && number(2, mi) && literal(":") &&
        number(2, s))) {
    return bad();
  }
  std::int64_t micros = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    std::int64_t scale = 100'000;
    const std::size_t first = at;
    for (; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0;
         ++at, scale /= 10) {
      micros += scale * (text[at] - '0');
    }
    if (at == first) return bad();
  }
  minutes offset{0};
  if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    ++at;
  } else {
    if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return bad();
    const int sign = text[at++] == '-' ? -1 : 1;
    int oh = 0, om = 0;
    if (!(number(2, oh) && literal(":") && number(2, om)) || oh > 23 || om > 59) return bad();
    offset = minutes(sign * (oh * 60 + om));
  }
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)),
                            day(static_cast<unsigned>(d))};
  if (at != text.size() || !date.ok() || y < 1970 || h > 23 || mi > 59 || s > 60) return bad();
  const Wall::time_point result(duration_cast<Wall::duration>(sys_days(date).time_since_epoch()) +
                                hours(h) + minutes(mi) + seconds(s) + microseconds(micros) -
                                offset);
  // An offset or a leap second may lead out of the years that times may have.
  constexpr auto year_10000 = sys_days(year(10'000) / January / 1).time_since_epoch();
  if (result < Wall::time_point{} || result.time_since_epoch() >= year_10000) return bad();
  return result;
}

}  // namespace tradewind
