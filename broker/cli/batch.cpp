#include "broker/cli/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string_view>

#include "broker/cli/terminal.h"

namespace tradewind::cli {
namespace {

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
  std::error_code unknown;  // of a pipe
  const std::uintmax_t size = file == "-" ? 0 : std::filesystem::file_size(file, unknown);
  auto progress = std::make_optional<Progress>("KiB of jobs sent", unknown ? 0 : size / 1024);
  std::uint64_t sent = 0;
  const auto read = [&](char* data, std::size_t bytes_max) {
    input.read(data, static_cast<std::streamsize>(bytes_max));
    const auto count = static_cast<std::size_t>(input.gcount());
    sent += count;
    progress->at(sent / 1024);
    return count;
  };
  const auto answer = context.client().upload("/v1/jobs", {"application/x-ndjson", read}, headers);
  progress.reset();
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
  if (tally.refused > 0) context.set_exit(Exit::failed);
}

}  // namespace tradewind::cli
