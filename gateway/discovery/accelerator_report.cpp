#include "gateway/discovery/accelerator_report.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "schemas/ascii.h"

namespace tradewind {
namespace {

using Accelerators = std::vector<ReportedAccelerator>;

constexpr std::size_t lines_max = 16'384;
constexpr std::size_t line_bytes_max = 4096;
constexpr std::size_t json_depth_max = 8;
constexpr std::size_t model_bytes_max = 80;
constexpr std::uint64_t memory_mib_max = 16ULL << 20;  // 16 TiB on one device

struct Line {
  std::size_t number = 0;
  std::string_view text;
};

tl::unexpected<Error> refuse(std::string_view program, std::size_t line, std::string_view what) {
  return fail(ErrorCode::invalid, std::string(program), fmt::format("line {} {}", line, what),
              "run it by hand, and write the accelerators into the site file yourself");
}

std::string_view stripped(std::string_view text) {
  return trimmed(text, " \t\r");
}

// Lines that are not blank.
Result<std::vector<Line>> lines_of(std::string_view program, std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = stripped(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (number > lines_max) return refuse(program, number, "is one too many");
    if (line.size() > line_bytes_max) return refuse(program, number, "is too long");
    if (!line.empty()) lines.push_back({number, line});
  }
  return lines;
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(stripped(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words = parts_of(text, ' ');
  std::erase_if(words, [](std::string_view each) { return each.empty(); });
  return words;
}

// What stands between a table's bars; the frame's own are left out.
std::vector<std::string_view> cells_of(std::string_view line) {
  if (line.starts_with('|')) line.remove_prefix(1);
  if (line.ends_with('|')) line.remove_suffix(1);
  return parts_of(line, '|');
}

// The number that the text begins with, which is taken off.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool is_number(std::string_view text) {
  return take_number(text) && text.empty();
}

bool tells_nothing(std::string_view text) {
  return text.empty() || text == "N/A" || text == "[N/A]" || text == "[Not Supported]" ||
         text == "unknown";
}

// "81920 MiB", "32768.00 MiB", "32 GiB", "81920"; 0 for "[N/A]".
std::optional<std::uint64_t> parse_memory(std::string_view text) {
  text = stripped(text);
  if (tells_nothing(text)) return 0;
  const auto number = take_number(text);
  if (!number || *number > memory_mib_max) return std::nullopt;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_number(text)) return std::nullopt;
  }
  text = stripped(text);
  if (text == "GiB") return *number * 1024;
  if (text.empty() || text == "MiB" || text == "MB") return number;
  return std::nullopt;
}

Status add(std::string_view program, std::size_t line, std::string_view name,
           std::uint64_t memory_mib, Accelerators& to) {
  const bool good = !name.empty() && name.size() <= model_bytes_max &&
                    std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; });
  if (!good) return refuse(program, line, "names a device with no name of 1 to 80 characters");
  if (memory_mib > memory_mib_max) return refuse(program, line, "tells more memory than can be");
  if (to.size() == reported_accelerators_max)
    return refuse(program, line, "is one device too many");
  to.push_back({std::string(name), memory_mib});
  return ok();
}

// The fields of a line of CSV; some tools put texts between quotes.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!line.empty()) {
    std::size_t end = line.find(',');
    if (line.front() == '"') end = line.find(',', std::min(line.find('"', 1), line.size()));
    end = std::min(end, line.size());
    std::string_view field = stripped(line.substr(0, end));
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
      field = field.substr(1, field.size() - 2);
    }
    fields.push_back(field);
    line = stripped(line.substr(std::min(end + 1, line.size())));
  }
  return fields;
}

// CSV of name and memory below a line that says so: nvidia-smi, ixsmi, hl-smi and xpu-smi.
Result<Accelerators> parse_csv(std::string_view program, std::string_view text) {
  const auto lines = lines_of(program, text);
  if (!lines) return fail(lines.error());
  Accelerators found;
  bool begun = false;
  for (const Line& line : *lines) {
    const std::vector<std::string_view> fields = fields_of(line.text);
    if (!begun) {
      begun = fields.size() == 2 && (fields[0] == "name" || fields[0] == "Device Name");
      if (!begun) return refuse(program, line.number, "is not the heading of name and memory");
      continue;
    }
    if (fields.size() != 2) return refuse(program, line.number, "has not two fields");
    const auto memory = parse_memory(fields[1]);
    if (!memory) return refuse(program, line.number, "has no amount of memory");
    if (const Status added = add(program, line.number, fields[0], *memory, found); !added) {
      return fail(added.error());
    }
  }
  if (!begun) return refuse(program, 1, "is empty");
  return found;
}

// The text or whole number at a key, whatever its case: releases differ in that.
std::optional<std::string> member(const boost::json::object& object, std::string_view key) {
  for (const auto& each : object) {
    const std::string_view name(each.key().data(), each.key().size());
    if (ascii_lower(name) != ascii_lower(key)) continue;
    if (each.value().is_string()) return std::string(each.value().get_string());
    if (each.value().is_uint64()) return std::to_string(each.value().get_uint64());
    if (each.value().is_int64()) return std::to_string(each.value().get_int64());
  }
  return std::nullopt;
}

std::optional<std::uint64_t> json_memory(const boost::json::object& card) {
  if (const auto bytes = member(card, "VRAM Total Memory (B)")) {
    std::string_view text = *bytes;
    const auto number = take_number(text);
    if (!number || !text.empty()) return std::nullopt;
    return *number >> 20;
  }
  if (const auto mib = member(card, "VRAM Total Memory (MiB)")) return parse_memory(*mib);
  return 0;
}

// {"card0": {"Card Series": …, "VRAM Total Memory (B)": …}, …}: rocm-smi, and hy-smi, which counts
// in MiB. Warnings may stand before it.
Result<Accelerators> parse_cards(std::string_view program, std::string_view text) {
  const std::size_t begin = std::min(text.find('{'), text.size());
  const auto line_at = [&](std::size_t at) {
    return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n'));
  };
  boost::json::parse_options options;
  options.max_depth = json_depth_max;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code error;
  const std::size_t read = parser.write_some(text.data() + begin, text.size() - begin, error);
  if (!error) parser.finish(error);
  if (error) return refuse(program, line_at(begin + read), "is no JSON: " + error.message());
  const boost::json::value document = parser.release();
  if (!document.is_object()) return refuse(program, line_at(begin), "begins no JSON object");
  Accelerators found;
  for (const auto& each : document.get_object()) {
    const std::string_view key(each.key().data(), each.key().size());
    if (!key.starts_with("card")) continue;
    const std::size_t line = line_at(std::min(text.find(key), text.size()));
    if (!each.value().is_object()) return refuse(program, line, "has a card that is no object");
    const boost::json::object& card = each.value().get_object();
    std::string name = member(card, "Card Series").value_or("");
    // Without the table of PCI names it tells numbers.
    if (tells_nothing(name) || name.starts_with("0x")) {
      name = member(card, "Card Model").value_or("");
    }
    const auto memory = json_memory(card);
    if (!memory) return refuse(program, line, "has a card with no amount of memory");
    if (const Status added = add(program, line, name, *memory, found); !added) {
      return fail(added.error());
    }
  }
  return found;
}

// The larger total of "used / total" pairs: of host and high-bandwidth memory, the device's own.
std::optional<std::uint64_t> largest_total(std::string_view text) {
  std::optional<std::uint64_t> largest;
  for (std::size_t at = text.find('/'); at != std::string_view::npos; at = text.find('/')) {
    text = stripped(text.substr(at + 1));
    const auto total = take_number(text);
    if (total) largest = std::max(largest.value_or(0), *total);
  }
  return largest;
}

// A table with two lines for each chip: its name, then its bus address and memory.
Result<Accelerators> parse_npu_smi(std::string_view program, std::string_view text) {
  const auto lines = lines_of(program, text);
  if (!lines) return fail(lines.error());
  Accelerators found;
  std::string_view name;
  for (const Line& line : *lines) {
    const std::vector<std::string_view> cells = cells_of(line.text);
    if (cells.size() != 3) continue;
    const std::vector<std::string_view> words = words_of(cells[0]);
    if (words.empty() || !is_number(words[0])) continue;
    if (cells[1].find(':') == std::string_view::npos) {
      if (!name.empty())
        return refuse(program, line.number, "names a chip where one has no memory");
      name = stripped(cells[0].substr(words[0].size()));
      if (name.empty()) return refuse(program, line.number, "names no chip");
      continue;
    }
    const auto memory = largest_total(cells[2]);
    if (name.empty()) return refuse(program, line.number, "tells of a chip without a name");
    if (!memory) return refuse(program, line.number, "has no amount of memory");
    if (const Status added = add(program, line.number, name, *memory, found); !added) {
      return fail(added.error());
    }
    name = {};
  }
  if (!name.empty()) return refuse(program, lines->back().number, "ends before a chip's memory");
  return found;
}

// A table with two lines for each card: number, "/" and name, then the memory.
Result<Accelerators> parse_cnmon(std::string_view program, std::string_view text) {
  const auto lines = lines_of(program, text);
  if (!lines) return fail(lines.error());
  Accelerators found;
  std::string_view name;
  for (const Line& line : *lines) {
    const std::vector<std::string_view> cells = cells_of(line.text);
    if (cells.size() != 3) continue;
    const std::vector<std::string_view> words = words_of(cells[0]);
    if (words.size() >= 3 && is_number(words[0]) && words[1] == "/") {
      if (!name.empty())
        return refuse(program, line.number, "names a card where one has no memory");
      name = words[2];
      continue;
    }
    if (name.empty()) continue;
    const std::size_t slash = cells[1].find('/');
    const auto memory = slash == std::string_view::npos ? std::optional<std::uint64_t>()
                                                        : parse_memory(cells[1].substr(slash + 1));
    if (!memory) return refuse(program, line.number, "has no amount of memory");
    if (const Status added = add(program, line.number, name, *memory, found); !added) {
      return fail(added.error());
    }
    name = {};
  }
  if (!name.empty()) return refuse(program, lines->back().number, "ends before a card's memory");
  return found;
}

// A table whose lines of a device hold all: number and name, bus address, "used(total)".
Result<Accelerators> parse_mthreads_gmi(std::string_view program, std::string_view text) {
  const auto lines = lines_of(program, text);
  if (!lines) return fail(lines.error());
  Accelerators found;
  for (const Line& line : *lines) {
    const std::vector<std::string_view> cells = cells_of(line.text);
    if (cells.size() != 3) continue;
    const std::vector<std::string_view> words = words_of(cells[0]);
    if (words.empty() || !is_number(words[0])) continue;
    if (cells[1].find(':') == std::string_view::npos) continue;
    const std::size_t begin = cells[2].find('(');
    const std::size_t end = cells[2].find(')', std::min(begin, cells[2].size()));
    const auto memory = end == std::string_view::npos
                            ? std::optional<std::uint64_t>()
                            : parse_memory(cells[2].substr(begin + 1, end - begin - 1));
    if (!memory) return refuse(program, line.number, "has no amount of memory");
    const std::string_view name = stripped(cells[0].substr(words[0].size()));
    if (const Status added = add(program, line.number, name, *memory, found); !added) {
      return fail(added.error());
    }
  }
  return found;
}

// The GiB of a slice's profile: 5 of "1g.5gb", 10 of "1g.10gb+me".
std::optional<std::uint64_t> profile_gib(std::string_view profile) {
  const std::size_t end = profile.find("gb");
  const std::size_t point = profile.substr(0, end).rfind('.');
  if (end == std::string_view::npos || point == std::string_view::npos) return std::nullopt;
  std::string_view digits = profile.substr(point + 1, end - point - 1);
  const auto gib = take_number(digits);
  if (!gib || !digits.empty() || *gib > memory_mib_max / 1024) return std::nullopt;
  return gib;
}

}  // namespace

const std::vector<AcceleratorTool>& accelerator_tools() {
  static const std::vector<AcceleratorTool> tools = {
      {"nvidia-smi", {"--query-gpu=name,memory.total", "--format=csv"}, "cuda", "", parse_csv},
      {"npu-smi", {"info"}, "ascend", "", parse_npu_smi},
      {"hy-smi", {"--showproductname", "--showmeminfo", "vram", "--json"}, "dcu", "", parse_cards},
      {"rocm-smi",
       {"--showproductname", "--showmeminfo", "vram", "--json"},
       "rocm",
       "hy-smi",
       parse_cards},
      {"cnmon", {}, "mlu", "", parse_cnmon},
      {"mthreads-gmi", {}, "musa", "", parse_mthreads_gmi},
      {"ixsmi", {"--query-gpu=name,memory.total", "--format=csv"}, "corex", "", parse_csv},
      {"xpu-smi", {"discovery", "--dump", "2,16"}, "xpu", "", parse_csv},
      {"hl-smi", {"-Q", "name,memory.total", "-f", "csv"}, "hpu", "", parse_csv},
  };
  return tools;
}

Result<Accelerators> parse_accelerator_report(const AcceleratorTool& tool, std::string_view text) {
  if (text.size() > report_bytes_max) {
    return fail(ErrorCode::too_large, std::string(tool.program),
                fmt::format("prints more than {} bytes", report_bytes_max),
                "run it by hand, and write the accelerators into the site file yourself");
  }
  return tool.parse(tool.program, text);
}

Result<Accelerators> with_slices(Accelerators accelerators, std::string_view text) {
  constexpr std::string_view program = "nvidia-smi -L";
  if (text.size() > report_bytes_max) return refuse(program, 1, "begins more than a MiB");
  const auto lines = lines_of(program, text);
  if (!lines) return fail(lines.error());
  std::vector<Accelerators> slices(accelerators.size());
  std::optional<std::uint64_t> device;
  for (const Line& line : *lines) {
    std::string_view rest = line.text;
    if (rest.starts_with("GPU ")) {
      rest.remove_prefix(4);
      device = take_number(rest);
      if (!device || !rest.starts_with(':') || *device >= accelerators.size()) {
        return refuse(program, line.number, "numbers no device of the table");
      }
      continue;
    }
    if (!rest.starts_with("MIG ")) return refuse(program, line.number, "is neither GPU nor MIG");
    const std::vector<std::string_view> words = words_of(rest);
    const auto gib = words.size() < 2 ? std::nullopt : profile_gib(words[1]);
    if (!device || !gib) return refuse(program, line.number, "has no profile of a device's slice");
    const std::string name = fmt::format("{} MIG {}", accelerators[*device].name, words[1]);
    const Status added = add(program, line.number, name, *gib * 1024, slices[*device]);
    if (!added) return fail(added.error());
  }
  Accelerators all;
  for (std::size_t each = 0; each < accelerators.size(); ++each) {
    if (slices[each].empty()) slices[each].push_back(std::move(accelerators[each]));
    all.insert(all.end(), slices[each].begin(), slices[each].end());
  }
  return all;
}

}  // namespace tradewind
