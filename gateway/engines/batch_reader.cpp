#include "gateway/engines/batch_reader.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "schemas/limits.h"

namespace tradewind {
namespace {

constexpr std::size_t number_bytes_max = 64;
constexpr std::size_t text_bytes_max = 256;
constexpr int groups_max = 16;
constexpr std::int64_t pattern_memory_max = 8 << 20;

bool is_number(std::string_view text) {
  const auto plain = [](char each) {
    return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') ||
           (each >= 'A' && each <= 'Z');
  };
  return !text.empty() && text.size() <= number_bytes_max && plain(text.front()) &&
         plain(text.back()) && std::ranges::all_of(text, [&](char each) {
           return plain(each) || each == '.' || each == '_' || each == '-';
         });
}

// The whole number that the text begins with.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

}  // namespace

class BatchReader::Pattern {
 public:
  static Result<std::shared_ptr<const Pattern>> compile(std::string field, const std::string& text,
                                                        const std::vector<std::string>& needed) {
    if (text.empty()) {
      return fail(ErrorCode::invalid, std::move(field), "is missing", "give a regular expression");
    }
    RE2::Options options;
    options.set_log_errors(false);
    options.set_encoding(RE2::Options::EncodingLatin1);
    options.set_max_mem(pattern_memory_max);
    auto made = std::make_shared<Pattern>(text, options);
    if (!made->expression_.ok()) {
      return fail(ErrorCode::invalid, std::move(field), made->expression_.error(),
                  "write it in RE2's syntax");
    }
    if (made->expression_.NumberOfCapturingGroups() >= groups_max) {
      return fail(ErrorCode::invalid, std::move(field),
                  fmt::format("has more than {} groups", groups_max - 1), "write (?:…) for others");
    }
    for (const std::string& each : needed) {
      if (made->has(each)) continue;
      return fail(ErrorCode::invalid, std::move(field), fmt::format("has no group \"{}\"", each),
                  fmt::format("put (?P<{}>…) around what it finds", each));
    }
    return std::shared_ptr<const Pattern>(std::move(made));
  }

  Pattern(const std::string& text, const RE2::Options& options) : expression_(text, options) {}

  bool has(const std::string& group) const {
    return expression_.NamedCapturingGroups().contains(group);
  }

  // What the groups found; nothing when the text is not of the pattern.
  class Found {
   public:
    std::string_view at(const std::string& group) const {
      const auto index = names_->find(group);
      if (index == names_->end()) return {};
      const re2::StringPiece& piece = pieces_.at(static_cast<std::size_t>(index->second));
      return piece.data() == nullptr ? std::string_view{}
                                     : std::string_view(piece.data(), piece.size());
    }

   private:
    friend class Pattern;
    const std::map<std::string, int>* names_ = nullptr;
    std::array<re2::StringPiece, groups_max> pieces_{};
  };
  // Calls `each` with every record that ends with this pattern, until it returns false.
  template <class Each>
  void each_record(std::string_view text, Each each) const {
    while (!text.empty()) {
      re2::StringPiece end;
      const re2::StringPiece piece(text.data(), text.size());
      const bool more =
          expression_.Match(piece, 0, text.size(), RE2::UNANCHORED, &end, 1) && !end.empty();
      const std::size_t size =
          more ? static_cast<std::size_t>(end.data() - text.data()) : text.size();
      if (!each(text.substr(0, size)) || !more) return;
      text.remove_prefix(size + end.size());
    }
  }
  std::optional<Found> find(std::string_view text) const {
    Found found;
    found.names_ = &expression_.NamedCapturingGroups();
    const re2::StringPiece piece(text.data(), text.size());
    const int count = expression_.NumberOfCapturingGroups() + 1;
    if (!expression_.Match(piece, 0, text.size(), RE2::UNANCHORED, found.pieces_.data(), count)) {
      return std::nullopt;
    }
    return found;
  }

 private:
  RE2 expression_;
};

Result<BatchReader> BatchReader::make(const BatchCommands& commands) {
  BatchReader reader;
  Status fine = ok();
  const auto compiled = [&fine](std::string field, const std::string& text,
                                const std::vector<std::string>& needed) {
    auto made = Pattern::compile(std::move(field), text, needed);
    if (!made && fine) fine = fail(made.error());
    return made ? *made : nullptr;
  };
  reader.submitted_ = compiled("submit.job", commands.submit.job, {"job"});
  if (!commands.submit.refused.empty()) {
    reader.refused_ = compiled("submit.refused", commands.submit.refused, {});
  }
  reader.job_ = compiled("status.job", commands.status.job, {"job", "key", "state"});
  if (!commands.status.whole.empty()) {
    reader.whole_ = compiled("status.whole", commands.status.whole, {});
  }
  if (!commands.usage.command.empty()) {
    reader.usage_ = compiled("usage.job", commands.usage.job, {"exit"});
  }
  reader.job_end_ = compiled("status.record_end", commands.status.record_end, {});
  if (!commands.usage.record_end.empty()) {
    reader.usage_end_ = compiled("usage.record_end", commands.usage.record_end, {});
  }
  if (!fine) return fail(fine.error());
  return reader;
}

std::optional<std::string> BatchReader::submitted(std::string_view output) const {
  const auto found = submitted_->find(output);
  if (!found || !is_number(found->at("job"))) return std::nullopt;
  return std::string(found->at("job"));
}

bool BatchReader::refused(std::string_view output) const {
  return refused_ != nullptr && refused_->find(output);
}

Result<std::vector<BatchJob>> BatchReader::listed(std::string_view output) const {
  if (whole_ != nullptr && !whole_->find(output)) {
    return fail(ErrorCode::corrupt, "engine.batch.status",
                "what it prints is no whole list of jobs", "run it by hand and see what it says");
  }
  std::vector<BatchJob> jobs;
  job_end_->each_record(output, [&](std::string_view record) {
    const auto found = job_->find(record);
    if (!found || !is_number(found->at("job"))) return true;
    if (found->at("key").size() > text_bytes_max || found->at("state").size() > text_bytes_max) {
      return true;
    }
    jobs.push_back({std::string(found->at("job")), std::string(found->at("key")),
                    std::string(found->at("state"))});
    return jobs.size() <= jobs_max;
  });
  if (jobs.size() > jobs_max) {
    return fail(ErrorCode::too_large, "engine.batch.status",
                fmt::format("it lists more than {} jobs", jobs_max), "let it list own jobs only");
  }
  return jobs;
}

std::optional<BatchUsage> BatchReader::used(std::string_view output, std::string_view key) const {
  std::optional<BatchUsage> usage;
  if (usage_ == nullptr) return usage;
  const auto take = [&](std::string_view record) {
    const auto found = usage_->find(record);
    if (!found || (usage_->has("key") && found->at("key") != key)) return true;
    const auto exit_code = whole_number(found->at("exit"));
    if (!exit_code || *exit_code > 255) return true;
    usage = BatchUsage{static_cast<int>(*exit_code),
                       std::min<std::uint64_t>(whole_number(found->at("seconds")).value_or(0),
                                               limits::seconds_max)};
    return true;
  };
  if (usage_end_ == nullptr) {
    take(output);
  } else {
    usage_end_->each_record(output, take);
  }
  return usage;
}

}  // namespace tradewind
