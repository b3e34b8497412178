#include "state/identity/trust.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "schemas/assert.h"
#include "state/identity/certificates.h"

namespace tradewind {
namespace {

constexpr std::string_view first_line = "tradewind-trust-v1";

tl::unexpected<Error> invalid(std::string field, std::string message) {
  return fail(ErrorCode::invalid, std::move(field), std::move(message),
              "give the text of a trust record as the federation's operators signed it");
}

// Public keys in order, none twice.
Status check_keys(const char* field, const std::vector<Bytes>& keys, std::size_t count_max,
                  bool sorted) {
  if (keys.empty() || keys.size() > count_max) {
    return invalid(field,
                   std::to_string(keys.size()) + " keys are not 1 to " + std::to_string(count_max));
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].size() != public_key_bytes) return invalid(field, "is no public key of 32 bytes");
    if (sorted && i > 0 && keys[i] <= keys[i - 1]) return invalid(field, "are not in order");
    if (std::find(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i), keys[i]) !=
        keys.begin() + static_cast<std::ptrdiff_t>(i)) {
      return invalid(field, "name a key twice");
    }
  }
  return ok();
}

Status check(const TrustRecord& record) {
  if (auto named = check_name("federation", record.federation.value); !named) return named;
  if (record.version < 1 || record.version > trust_version_max) {
    return invalid("version", std::to_string(record.version) + " is out of range");
  }
  if (record.expires <= record.issued) return invalid("expires", "is not after issued");
  if (auto good = check_keys("root", record.roots, trust_roots_max, true); !good) return good;
  if (record.threshold < 1 || record.threshold > record.roots.size()) {
    return invalid("threshold", std::to_string(record.threshold) + " of " +
                                    std::to_string(record.roots.size()) + " root keys cannot sign");
  }
  if (record.issuers.empty() || record.issuers.size() > trust_issuers_max) {
    return invalid("issuer", std::to_string(record.issuers.size()) + " certificates are not 1 to " +
                                 std::to_string(trust_issuers_max));
  }
  return check_keys("registry", record.registry_keys, trust_registry_keys_max, false);
}

// Takes the text apart line by line. What to_text would write otherwise is found by the caller.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  // The next line when it begins with this word and a space, without them.
  bool take(std::string_view word, std::string& value) {
    if (rest_.substr(0, word.size()) != word || rest_.substr(word.size(), 1) != " ") return false;
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return false;
    value = rest_.substr(word.size() + 1, end - word.size() - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool take_line(std::string_view line) {
    if (rest_.substr(0, line.size()) != line || rest_.substr(line.size(), 1) != "\n") return false;
    rest_.remove_prefix(line.size() + 1);
    return true;
  }

 private:
  std::string_view rest_;
};

template <class Number>
bool read_number(const std::string& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

Result<TrustRecord> read_record(Lines& lines) {
  TrustRecord record;
  std::string value;
  if (!lines.take_line(first_line)) return invalid("", "is no trust record");
  if (!lines.take("federation", record.federation.value))
    return invalid("federation", "is missing");
  if (!lines.take("version", value) || !read_number(value, record.version)) {
    return invalid("version", "is missing or no number");
  }
  for (const auto& [word, at] :
       {std::pair{"issued", &record.issued}, std::pair{"expires", &record.expires}}) {
    if (!lines.take(word, value)) return invalid(word, "is missing");
    const auto time = parse_rfc3339(word, value);
    if (!time) return fail(time.error());
    *at = *time;
  }
  if (!lines.take("threshold", value) || !read_number(value, record.threshold)) {
    return invalid("threshold", "is missing or no number");
  }
  while (lines.take("root", value)) {
    auto key = hex_decode("root", value);
    if (!key) return fail(key.error());
    record.roots.push_back(std::move(*key));
  }
  while (lines.take("issuer", value)) {
    const auto der = base64_decode("issuer", value);
    if (!der) return fail(der.error());
    auto pem = certificate_from_der(*der);
    if (!pem) return fail(pem.error());
    record.issuers.push_back(std::move(*pem));
  }
  while (lines.take("registry", value)) {
    auto key = hex_decode("registry", value);
    if (!key) return fail(key.error());
    record.registry_keys.push_back(std::move(*key));
  }
  return record;
}

// Whether enough of these roots have signed the record.
bool signed_by(const SignedTrust& trust, const std::vector<Bytes>& roots, std::size_t threshold) {
  const auto body = trust_body(trust.record);
  if (!body) return false;
  const auto count = std::count_if(roots.begin(), roots.end(), [&](const Bytes& root) {
    const auto signature = trust.signatures.find(root);
    return signature != trust.signatures.end() && verify_signature(root, *body, signature->second);
  });
  return static_cast<std::size_t>(count) >= threshold;
}

std::string of_version(const TrustRecord& record) {
  return "version " + std::to_string(record.version);
}

tl::unexpected<Error> untrusted(std::string message) {
  return fail(ErrorCode::unauthenticated, "trust", std::move(message),
              "ask the federation's operators; do not go on with it");
}

}  // namespace

std::string TrustRecord::issuers_pem() const {
  std::string all;
  for (const std::string& each : issuers) all += each;
  return all;
}

Result<std::string> trust_body(const TrustRecord& record) {
  if (auto good = check(record); !good) return fail(std::move(good.error()));
  std::string text(first_line);
  text += "\nfederation " + record.federation.value;
  text += "\nversion " + std::to_string(record.version);
  text += "\nissued " + to_rfc3339(record.issued);
  text += "\nexpires " + to_rfc3339(record.expires);
  text += "\nthreshold " + std::to_string(record.threshold);
  for (const Bytes& each : record.roots) text += "\nroot " + hex(each);
  for (const std::string& each : record.issuers) {
    const auto der = certificate_der(each);
    if (!der) return fail(der.error());
    text += "\nissuer " + base64_encode(*der);
  }
  for (const Bytes& each : record.registry_keys) text += "\nregistry " + hex(each);
  text += '\n';
  if (text.size() > limits::trust_record_bytes_max) {
    return fail(ErrorCode::too_large, "trust",
                std::to_string(text.size()) + " bytes are over the limit of " +
                    std::to_string(limits::trust_record_bytes_max),
                "name fewer keys");
  }
  return text;
}

Bytes trust_sha256(const TrustRecord& record) {
  const auto body = trust_body(record);
  TRADEWIND_ASSERT(body.has_value());
  return sha256(*body);
}

std::string to_text(const SignedTrust& trust) {
  auto text = trust_body(trust.record);
  TRADEWIND_ASSERT(text.has_value());
  *text += '\n';
  for (const auto& [root, signature] : trust.signatures) {
    *text += "signature " + hex(root) + " " + base64_encode(signature) + "\n";
  }
  return *text;
}

Result<SignedTrust> parse_trust(std::string_view text) {
  if (text.size() > limits::trust_record_bytes_max) {
    return fail(ErrorCode::too_large, "trust",
                std::to_string(text.size()) + " bytes are over the limit of " +
                    std::to_string(limits::trust_record_bytes_max));
  }
  Lines lines(text);
  auto record = read_record(lines);
  if (!record) return fail(record.error());
  SignedTrust trust{std::move(*record), {}};
  if (auto body = trust_body(trust.record); !body) return fail(body.error());
  if (!lines.take_line("")) return invalid("trust", "has no empty line before its signatures");
  std::string value;
  while (lines.take("signature", value)) {
    const std::size_t space = value.find(' ');
    auto root = hex_decode("signature", value.substr(0, space));
    if (!root) return fail(root.error());
    auto signature = base64_decode(
        "signature", space == std::string::npos ? "" : std::string_view(value).substr(space + 1));
    if (!signature) return fail(signature.error());
    if (root->size() != public_key_bytes || signature->size() != signature_bytes) {
      return invalid("signature", "is no key and signature");
    }
    if (trust.signatures.size() == 2 * trust_roots_max) {
      return invalid("signature", "there are more than roots");
    }
    trust.signatures.insert_or_assign(std::move(*root), std::move(*signature));
  }
  // Whatever is left, or was written in another way.
  if (!lines.done() || to_text(trust) != text) {
    return invalid("trust", "is not written as trust records are");
  }
  return trust;
}

void sign_trust(SignedTrust& trust, const SigningKey& root) {
  const auto body = trust_body(trust.record);
  TRADEWIND_ASSERT(body.has_value());
  trust.signatures[root.public_key()] = root.sign(*body);
}

Result<TrustChain> TrustChain::from(SignedTrust first) {
  if (!signed_by(first, first.record.roots, first.record.threshold)) {
    return untrusted(of_version(first.record) + " is not signed by enough of its root keys");
  }
  return TrustChain(std::move(first));
}

Status TrustChain::extend(SignedTrust next) {
  const TrustRecord& last = newest();
  const std::uint64_t first = trusts_.front().record.version;
  if (next.record.version <= last.version) {
    const bool held =
        next.record.version >= first && trusts_[next.record.version - first].record == next.record;
    if (held) return ok();
    return fail(ErrorCode::conflict, "trust",
                of_version(next.record) + " is another than the one that is held, up to " +
                    of_version(last),
                "tell the federation's operators: somebody has signed two records, or shows an "
                "old one");
  }
  if (next.record.federation != last.federation) {
    return untrusted("is of the federation \"" + next.record.federation.value + "\", not \"" +
                     last.federation.value + "\"");
  }
  if (next.record.version != last.version + 1) {
    return untrusted(of_version(next.record) + " does not follow on " + of_version(last));
  }
  if (!signed_by(next, last.roots, last.threshold)) {
    return untrusted(of_version(next.record) + " is not signed by enough root keys of " +
                     of_version(last));
  }
  if (!signed_by(next, next.record.roots, next.record.threshold)) {
    return untrusted(of_version(next.record) + " is not signed by enough of its own root keys");
  }
  trusts_.push_back(std::move(next));
  return ok();
}

Status TrustChain::check_fresh(Wall::time_point now) const {
  if (now < newest().expires) return ok();
  return fail(
      ErrorCode::unauthenticated, "trust",
      of_version(newest()) + " expired at " + to_rfc3339(newest().expires),
      "see that this machine's clock is right; if it is, ask the federation's operators for "
      "a newer one");
}

}  // namespace tradewind
