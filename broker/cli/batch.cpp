#include "broker/cli/batch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string_view>

namespace tradewind::cli {
namespace {

constexpr std::size_t kProgressLines = 1'000;

// What a batch's answer comes to.
struct Tally {
  std::size_t taken = 0;
  std::size_t repeated = 0;
  std::size_t refused = 0;
};

void print_refusal(const boost::json::value& line) {
  const auto& error = member(line, "error");
  std::cerr << fmt::format("line {}: ", number(line, "line"));
  if (const std::string field = text(error, "field"); !field.empty()) std::cerr << field << ": ";
  std::cerr << text(error, "detail");
  if (const std::string remedy = text(error, "remedy"); !remedy.empty()) {
    std::cerr << "; " << remedy;
  }
  std::cerr << '\n';
}

}  // namespace

void submit_batch(Context& context, const std::string& file,
                  const std::vector<std::string>& headers) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) {
      return context.report(Error{ErrorCode::invalid, "--batch", "\"" + file + "\" cannot be read",
                                  "give a readable file, or -"});
    }
  }
  std::istream& input = file == "-" ? std::cin : opened;
  const bool progress = !context.json && ::isatty(STDERR_FILENO) == 1;
  std::size_t lines = 0;
  std::size_t shown = 0;
  const auto read = [&](char* data, std::size_t bytes_max) {
    input.read(data, static_cast<std::streamsize>(bytes_max));
    const auto count = static_cast<std::size_t>(input.gcount());
    lines += static_cast<std::size_t>(std::count(data, data + count, '\n'));
    if (progress && lines >= shown + kProgressLines) {
      shown = lines;
      std::cerr << fmt::format("\r{} lines sent", lines) << std::flush;
    }
    return count;
  };
  const auto answer = context.client().upload("/v1/jobs", {"application/x-ndjson", read}, headers);
  if (progress && shown > 0) std::cerr << '\n';
  if (!answer) return context.report(answer.error());

  Tally tally;
  std::string_view rest = *answer;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    boost::system::error_code error;
    const auto value = boost::json::parse(line, error);
    if (error || !value.is_object()) {
      return context.report(Error{ErrorCode::corrupt, "", "the answer is no NDJSON",
                                  "check that --url names a Tradewind broker"});
    }
    const std::string job = text(value, "id");
    ++(job.empty() ? tally.refused : tally.taken);
    if (text(value, "repeated") == "true") ++tally.repeated;
    if (context.json) {
      std::cout << line << '\n';
    } else if (job.empty()) {
      print_refusal(value);
    } else {
      std::cout << job << '\n';
    }
  }
  if (!context.json) {
    std::cerr << fmt::format("{} submitted, {} of them before; {} refused\n", tally.taken,
                             tally.repeated, tally.refused);
  }
  if (tally.refused > 0) context.exit = Exit::failed;
}

}  // namespace tradewind::cli
