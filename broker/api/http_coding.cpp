#include "broker/api/http_coding.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>

#include "schemas/ascii.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

// Answers are made once for each who asks: quickly rather than small.
constexpr int kGzipLevel = 1;
constexpr int kZstdLevel = 1;
constexpr int kGzipWindow = 15 + 16;   // 32 KiB, with the head and tail of gzip
constexpr int kZstdWindowLogMax = 23;  // what a decoder must have (RFC 9659)
constexpr std::size_t kCodings = 3;

// "0.5" -> 500; as RFC 9110, 12.4.2 has it.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int thousandths = (text[0] - '0') * 1'000;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int unit = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    thousandths += (c - '0') * unit;
    unit /= 10;
  }
  return thousandths <= 1'000 ? std::optional(thousandths) : std::nullopt;
}

// The weight of a member such as " gzip ; q=0.5", and its name.
std::optional<std::pair<std::string, int>> parse_member(std::string_view member) {
  const auto semicolon = member.find(';');
  std::string name = ascii_lower(trimmed(member.substr(0, semicolon)));
  if (name.empty()) return std::nullopt;
  if (semicolon == std::string_view::npos) return std::pair(std::move(name), 1'000);
  const std::string_view parameter = trimmed(member.substr(semicolon + 1));
  if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) return std::nullopt;
  const auto weight = parse_weight(parameter.substr(2));
  if (!weight) return std::nullopt;
  return std::pair(std::move(name), *weight);
}

// Of a thread, since making one costs more than most bodies do.
class GzipEncoder {
 public:
  GzipEncoder() {
    const int made =
        ::deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
    TRADEWIND_ASSERT(made == Z_OK);
  }
  ~GzipEncoder() { ::deflateEnd(&stream_); }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  std::string encode(std::string_view body) {
    std::string out(::deflateBound(&stream_, body.size()), '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream_.avail_in = static_cast<uInt>(body.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int ended = ::deflate(&stream_, Z_FINISH);
    TRADEWIND_ASSERT(ended == Z_STREAM_END);
    out.resize(stream_.total_out);
    ::deflateReset(&stream_);
    return out;
  }

 private:
  z_stream stream_{};
};

std::string zstd(std::string_view body) {
  thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                                  ZSTD_freeCCtx);
  std::string out(ZSTD_compressBound(body.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(context.get(), out.data(), out.size(), body.data(),
                                             body.size(), kZstdLevel);
  TRADEWIND_ASSERT(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

}  // namespace

std::string_view to_string(Coding coding) {
  switch (coding) {
    case Coding::identity: return "identity";
    case Coding::gzip: return "gzip";
    case Coding::zstd: return "zstd";
  }
  return "identity";
}

std::optional<Coding> parse_coding(std::string_view content_encoding) {
  const std::string name = ascii_lower(trimmed(content_encoding));
  if (name.empty() || name == "identity") return Coding::identity;
  if (name == "gzip" || name == "x-gzip") return Coding::gzip;
  if (name == "zstd") return Coding::zstd;
  return std::nullopt;
}

CodingChoice choose_coding(std::string_view accept_encoding) {
  std::array<std::optional<int>, kCodings> weights;
  std::optional<int> others;  // of "*"
  for (std::string_view rest = accept_encoding; !rest.empty();) {
    const std::string_view member = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), member.size() + 1));
    const auto parsed = parse_member(member);
    if (!parsed) continue;
    if (parsed->first == "*") {
      others = parsed->second;
    } else if (const auto coding = parse_coding(parsed->first)) {
      weights.at(static_cast<std::size_t>(*coding)) = parsed->second;
    }
  }
  const auto weight = [&](Coding coding) {
    return weights.at(static_cast<std::size_t>(coding)).value_or(others.value_or(0));
  };
  CodingChoice choice;
  // Taken unless it is refused, by itself or with all that are not named.
  const auto& identity = weights.at(0) ? weights.at(0) : others;
  choice.identity = identity.value_or(1) > 0;
  // Where nothing is said of it, whatever is named is wanted more.
  int best = choice.identity ? weights.at(0).value_or(0) : 0;
  for (const Coding each : {Coding::gzip, Coding::zstd}) {
    if (weight(each) > 0 && weight(each) >= best) {
      best = weight(each);
      choice.best = each;
    }
  }
  return choice;
}

std::string encode_body(Coding coding, std::string_view body) {
  switch (coding) {
    case Coding::identity: return std::string(body);
    case Coding::gzip: {
      thread_local GzipEncoder encoder;
      return encoder.encode(body);
    }
    case Coding::zstd: return zstd(body);
  }
  return std::string(body);
}

// --- decoding
// ----------------------------------------------------------------------------------------------------

struct BodyDecoder::State {
  Coding coding = Coding::identity;
  z_stream gzip{};
  ZSTD_DCtx* zstd = nullptr;
  bool at_end = true;  // no frame is begun

  explicit State(Coding named) : coding(named) {
    if (coding == Coding::gzip) {
      const int made = ::inflateInit2(&gzip, kGzipWindow);
      TRADEWIND_ASSERT(made == Z_OK);
    } else {
      zstd = ZSTD_createDCtx();
      TRADEWIND_ASSERT(zstd != nullptr);
      ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, kZstdWindowLogMax);
    }
  }
  ~State() {
    if (coding == Coding::gzip) ::inflateEnd(&gzip);
    ZSTD_freeDCtx(zstd);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Each decodes one step: what it has taken and given, or that the bytes are malformed.
  bool step_gzip(std::string_view& in, char* out, std::size_t& room) {
    constexpr std::size_t step_max = 1U << 30;
    const auto offered = static_cast<uInt>(std::min(in.size(), step_max));
    gzip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    gzip.avail_in = offered;
    gzip.next_out = reinterpret_cast<Bytef*>(out);
    gzip.avail_out = static_cast<uInt>(room);
    const int went = ::inflate(&gzip, Z_NO_FLUSH);
    in.remove_prefix(offered - gzip.avail_in);
    room = gzip.avail_out;
    if (went == Z_STREAM_END) {
      at_end = true;
      return ::inflateReset(&gzip) == Z_OK;
    }
    at_end = false;
    return went == Z_OK || went == Z_BUF_ERROR;
  }
  bool step_zstd(std::string_view& in, char* out, std::size_t& room) {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out, room, 0};
    const std::size_t went = ZSTD_decompressStream(zstd, &to, &from);
    in.remove_prefix(from.pos);
    room -= to.pos;
    at_end = went == 0;
    return ZSTD_isError(went) == 0;
  }
};

BodyDecoder::BodyDecoder(Coding coding) : state_(std::make_unique<State>(coding)) {
  TRADEWIND_ASSERT(coding != Coding::identity);
}
BodyDecoder::~BodyDecoder() = default;
BodyDecoder::BodyDecoder(BodyDecoder&&) noexcept = default;
BodyDecoder& BodyDecoder::operator=(BodyDecoder&&) noexcept = default;

Status BodyDecoder::decode(std::string_view& in, std::string& out, std::size_t bytes_max) {
  constexpr std::size_t step_bytes = 64 * 1024;
  while (bytes_max > 0 && !(in.empty() && state_->at_end)) {
    const std::size_t before = out.size();
    const std::size_t offered = std::min(bytes_max, step_bytes);
    const std::size_t unread = in.size();
    out.resize(before + offered);
    std::size_t room = offered;
    const bool good = state_->coding == Coding::gzip
                          ? state_->step_gzip(in, out.data() + before, room)
                          : state_->step_zstd(in, out.data() + before, room);
    out.resize(before + offered - room);
    bytes_max -= offered - room;
    if (!good) {
      return fail(ErrorCode::invalid, "body",
                  "the body is not " + std::string(to_string(state_->coding)) +
                      ", as its Content-Encoding says, or wants too large a window",
                  "send what the header says, or no such header");
    }
    // Nothing taken and nothing given: it wants more bytes.
    if (in.size() == unread && room == offered) break;
    if (in.empty() && room > 0) break;
  }
  return ok();
}

bool BodyDecoder::at_end() const {
  return state_->at_end;
}

}  // namespace tradewind
