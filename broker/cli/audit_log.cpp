#include "broker/cli/audit_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "state/transparency/limits.h"
#include "state/transparency/log_directory.h"
#include "state/transparency/tile_path.h"

namespace tradewind::cli {
namespace {

// "1,234,567".
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

// How far it is, on a terminal, at most ten times a second.
class AuditProgress {
 public:
  AuditProgress(std::uint64_t begin, std::uint64_t end) : begin_(begin), end_(end) {}
  ~AuditProgress() {
    if (shown_) std::cerr << "\r\x1b[K";
  }
  AuditProgress(const AuditProgress&) = delete;
  AuditProgress& operator=(const AuditProgress&) = delete;

  void at(std::uint64_t index) {
    if (!terminal_ || index % 4'096 != 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    shown_ = true;
    constexpr std::uint64_t width = 30;
    const std::uint64_t done = index - begin_;
    const std::uint64_t all = std::max<std::uint64_t>(1, end_ - begin_);
    const std::uint64_t filled = done * width / all;
    std::cerr << fmt::format("\r[{}{}] {} of {} entries", std::string(filled, '#'),
                             std::string(width - filled, ' '), grouped(done), grouped(all))
              << std::flush;
  }

 private:
  const std::uint64_t begin_;
  const std::uint64_t end_;
  const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// That the entries are in the order that they claim, in which a period is a range of them. Their
// times have one form and one zone, so that their texts sort as they do.
class Order {
 public:
  Status check(std::uint64_t index, BytesView entry) {
    constexpr std::string_view time_member = "\"recordedtime\":\"";
    constexpr std::size_t time_size = 27;
    const std::string begin = fmt::format("{{\"specversion\":\"1.0\",\"id\":\"{}\",", index);
    const auto found = entry.find(time_member);
    if (!entry.starts_with(begin) || found == BytesView::npos) {
      return fail(ErrorCode::corrupt, "entry " + std::to_string(index),
                  "does not name its own index and time", "the log is not that of a broker");
    }
    const std::string_view time = entry.substr(found + time_member.size(), time_size);
    if (time < newest_) {
      return fail(ErrorCode::corrupt, "entry " + std::to_string(index),
                  "was recorded at " + std::string(time) + ", before the one in front of it",
                  "the broker has broken the order of its log");
    }
    newest_ = std::string(time);
    return ok();
  }

 private:
  std::string newest_;
};

Result<Bytes> read_file(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  Bytes bytes;
  char block[4'096];
  while (stream && bytes.size() <= limits::note_bytes_max) {
    stream.read(block, sizeof block);
    bytes.append(block, static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.eof() || bytes.size() > limits::note_bytes_max) {
    return fail(ErrorCode::not_found, file, "cannot be read as a checkpoint",
                "give a file that --save has written");
  }
  return bytes;
}

}  // namespace

AuditLog::AuditLog(const Context& context, AuditOptions options)
    : options_(std::move(options)), client_(context.client()) {}

Result<std::unique_ptr<AuditLog>> AuditLog::open(const Context& context, AuditOptions options) {
  std::unique_ptr<AuditLog> log(new AuditLog(context, std::move(options)));
  if (const Status known = log->learn_key(); !known) return fail(known.error());
  for (const std::string& each : log->options_.witnesses) {
    auto key = parse_verifier_key(each);
    if (!key || key->type != KeyType::cosignature) {
      return fail(ErrorCode::invalid, "--witness", "\"" + each + "\" is no witness's key",
                  "give the key from a line of: tradewind-gateway witness-key");
    }
    log->witnesses_.push_back(std::move(*key));
  }
  return log;
}

Status AuditLog::learn_key() {
  std::string text = options_.key;
  if (text.empty() && !options_.directory.empty()) {
    return fail(ErrorCode::invalid, "--log-key", "is missing",
                "give the key of the log, as its broker's /log/key tells it");
  }
  if (text.empty()) {
    auto told = client_.get_bytes("/log/key");
    if (!told) return fail(std::move(told.error()));
    text = std::move(*told);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::cerr << "tradewind: the log's key is what the broker says it is; keep it, and give it as "
                 "--log-key:\n  "
              << text << '\n';
  }
  auto key = parse_verifier_key(text);
  if (!key || key->type != KeyType::ed25519) {
    return fail(ErrorCode::invalid, "--log-key", "\"" + text.substr(0, 200) + "\" is no log's key",
                "it has the form NAME+HEX+BASE64; quote it");
  }
  key_ = std::move(*key);
  return ok();
}

Result<AuditLog::Newest> AuditLog::newest() {
  auto note = options_.directory.empty() ? client_.get_bytes("/log/checkpoint")
                                         : LogDirectory(options_.directory).read_checkpoint();
  if (!note) return fail(std::move(note.error()));
  auto verified = open_checkpoint(*note, key_, witnesses_);
  if (!verified) return fail(std::move(verified.error()));
  for (const VerifierKey& each : witnesses_) {
    const auto by = [&](const VerifiedSignature& one) { return one.key == each; };
    if (std::none_of(verified->cosignatures.begin(), verified->cosignatures.end(), by)) {
      return fail(ErrorCode::unauthenticated, "checkpoint", each.name + " has not cosigned it",
                  "ask again in a moment, and then ask the witness why");
    }
  }
  return Newest{std::move(*note), std::move(*verified)};
}

Result<TreeHead> AuditLog::saved() const {
  if (options_.saved.empty()) return TreeHead{};
  const auto note = read_file(options_.saved);
  if (!note) return fail(note.error());
  auto verified = open_checkpoint(*note, key_);
  if (!verified) return fail(std::move(verified.error()));
  return verified->checkpoint.head;
}

Status AuditLog::save(BytesView note) const {
  if (options_.save.empty()) return ok();
  const std::string draft = options_.save + ".new";
  std::ofstream stream(draft, std::ios::binary);
  stream << note;
  std::error_code error;
  if (stream.flush()) std::filesystem::rename(draft, options_.save, error);
  if (!stream || error) {
    return fail(ErrorCode::unavailable, "--save", "\"" + options_.save + "\" cannot be written",
                "give a path in a folder that can be written");
  }
  return ok();
}

TileReader AuditLog::tiles() {
  return [this](const TileId& id) -> Result<Bytes> {
    return options_.directory.empty() ? client_.get_bytes("/log/" + path_of(id))
                                      : LogDirectory(options_.directory).read(id);
  };
}

BundleReader AuditLog::bundles() {
  return [this](const BundleId& id) -> Result<Bytes> {
    return options_.directory.empty() ? client_.get_bytes("/log/" + path_of(id))
                                      : LogDirectory(options_.directory).read(id);
  };
}

Result<Bytes> AuditLog::data(std::string_view sha256) {
  if (sha256.size() != 64 ||
      sha256.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return fail(ErrorCode::corrupt, "datasha256", "is no SHA-256",
                "the log is not that of a broker");
  }
  if (options_.directory.empty()) return client_.get_bytes("/v1/audit/data/" + std::string(sha256));
  const std::filesystem::path file =
      std::filesystem::path(options_.directory) / "data" / std::string(sha256);
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return fail(ErrorCode::not_found, file.string(), "is not there");
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

Result<Bytes> AuditLog::opening(std::uint64_t index) {
  return client_.get_bytes("/v1/audit/openings/" + std::to_string(index));
}

Status AuditLog::verify(const TreeHead& known, const TreeHead& head, const EntryVisitor& visit) {
  AuditProgress progress(known.size, head.size);
  Order order;
  return audit(known, head, tiles(), bundles(), [&](std::uint64_t index, BytesView entry) {
    progress.at(index);
    if (Status good = order.check(index, entry); !good) return good;
    return visit ? visit(index, entry) : ok();
  });
}

}  // namespace tradewind::cli
