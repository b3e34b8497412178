#include "gateway/engines/image_reference.h"

#include <algorithm>
#include <boost/json.hpp>

#include <fmt/format.h>

#include "schemas/ascii.h"

namespace tradewind {
namespace {

constexpr std::size_t reference_bytes_max = 512;
constexpr std::size_t tag_bytes_max = 128;
constexpr std::string_view digest_prefix = "sha256:";
constexpr std::size_t digest_digits = 64;

bool is_lower(char each) {
  return (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9');
}
bool is_letter(char each) {
  return is_lower(each) || (each >= 'A' && each <= 'Z');
}

bool is_digest(std::string_view text) {
  if (!text.starts_with(digest_prefix)) return false;
  text.remove_prefix(digest_prefix.size());
  return text.size() == digest_digits && is_lower_hex(text);
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= tag_bytes_max && (is_letter(text[0]) || text[0] == '_') &&
         std::ranges::all_of(text, [](char each) {
           return is_letter(each) || each == '_' || each == '.' || each == '-';
         });
}

bool is_component(std::string_view text) {
  return !text.empty() && is_lower(text.front()) && is_lower(text.back()) &&
         std::ranges::all_of(text, [](char each) {
           return is_lower(each) || each == '.' || each == '_' || each == '-';
         });
}

bool is_registry(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5 ||
        !std::ranges::all_of(port, [](char each) { return each >= '0' && each <= '9'; })) {
      return false;
    }
  }
  return !host.empty() && is_lower(host.front()) && is_lower(host.back()) &&
         std::ranges::all_of(
             host, [](char each) { return is_lower(each) || each == '.' || each == '-'; });
}

std::string text_at(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

std::string ImageReference::text() const {
  if (!digest.empty()) return repository + "@" + digest;
  return repository + ":" + (tag.empty() ? "latest" : tag);
}

Result<ImageReference> parse_image_reference(std::string_view field, std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::invalid, std::string(field),
                fmt::format("\"{}\" is no name of an image: {}", text.substr(0, 128), what),
                "give REGISTRY/PATH:TAG or REGISTRY/PATH@sha256:DIGEST, such as debian:12");
  };
  if (text.size() > reference_bytes_max) return wrong("it is too long");
  ImageReference image;
  std::string_view rest = text;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    image.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!is_digest(image.digest)) return wrong("the digest is not sha256: and 64 digits");
  }
  const auto slash = rest.rfind('/');
  const auto colon = rest.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    image.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!is_tag(image.tag)) return wrong("the tag is none");
  }
  std::vector<std::string_view> components;
  for (std::size_t at = 0; at <= rest.size();) {
    const auto end = std::min(rest.find('/', at), rest.size());
    components.push_back(rest.substr(at, end - at));
    at = end + 1;
  }
  std::string registry = "docker.io";
  const std::string_view first = components.front();
  if (components.size() > 1 &&
      (first.find_first_of(".:") != std::string_view::npos || first == "localhost")) {
    registry = ascii_lower(first);
    if (!is_registry(registry)) return wrong("its registry is none");
    components.erase(components.begin());
  }
  if (registry == "docker.io" && components.size() == 1) {
    components.insert(components.begin(), "library");
  }
  image.repository = registry;
  for (const std::string_view each : components) {
    if (!is_component(each)) return wrong("a part of it is none");
    image.repository += "/";
    image.repository += each;
  }
  // What others are asked for is the name in full.
  if (image.text().size() > reference_bytes_max) return wrong("it is too long");
  return image;
}

bool image_allowed(const ImageReference& image, const std::vector<std::string>& prefixes) {
  return std::ranges::any_of(prefixes, [&image](std::string_view prefix) {
    while (prefix.ends_with('/')) prefix.remove_suffix(1);
    const std::string_view name = image.repository;
    return !prefix.empty() && name.starts_with(prefix) &&
           (name.size() == prefix.size() || name[prefix.size()] == '/');
  });
}

Result<ImageFacts> read_image_facts(std::string_view field, std::string_view json) {
  boost::system::error_code bad;
  const boost::json::value parsed = boost::json::parse(json, bad);
  const boost::json::value* one = &parsed;
  if (!bad && parsed.is_array() && parsed.as_array().size() == 1) one = &parsed.as_array().front();
  ImageFacts facts;
  if (!bad && one->is_object()) {
    facts.id = text_at(one->as_object(), "Id");
    if (is_digest(facts.id)) facts.id.erase(0, digest_prefix.size());
    if (!is_digest(std::string(digest_prefix) + facts.id)) facts.id.clear();
    facts.digest = text_at(one->as_object(), "Digest");
    facts.architecture = text_at(one->as_object(), "Architecture").substr(0, 32);
  }
  if (is_digest(facts.digest) && !facts.architecture.empty()) return facts;
  return fail(ErrorCode::corrupt, std::string(field),
              "what the runtime says of the image names no digest and architecture",
              "see what it says by hand");
}

}  // namespace tradewind
