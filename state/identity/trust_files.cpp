#include "state/identity/trust_files.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

// Of a file's name; none of other files.
std::optional<std::uint64_t> version_of(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), version);
  const bool whole = error == std::errc() && end == stem.data() + stem.size();
  if (file.extension() != ".trust" || !whole) return std::nullopt;
  return version;
}

}  // namespace

std::filesystem::path trust_file(const std::filesystem::path& folder, std::uint64_t version) {
  return folder / (std::to_string(version) + ".trust");
}

Result<SignedTrust> load_trust_file(const std::filesystem::path& file) {
  const auto text = load_file(file, limits::trust_record_bytes_max);
  if (!text) return fail(text.error());
  return parse_trust(*text);
}

Result<TrustChain> load_trust(const std::filesystem::path& folder) {
  std::vector<std::uint64_t> versions;
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(folder, error)) {
    if (const auto version = version_of(each.path())) versions.push_back(*version);
  }
  std::sort(versions.begin(), versions.end());
  std::optional<TrustChain> chain;
  for (const std::uint64_t version : versions) {
    const auto file = trust_file(folder, version);
    const auto corrupt = [&](const Error& why) {
      return fail(ErrorCode::corrupt, file.string(), describe(why),
                  "restore the folder from a backup");
    };
    auto trust = load_trust_file(file);
    if (!trust) return corrupt(trust.error());
    if (!chain) {
      chain = TrustChain::pinned(std::move(*trust));
    } else if (const Status next = chain->extend(std::move(*trust)); !next) {
      return corrupt(next.error());
    }
  }
  if (chain) return std::move(*chain);
  return fail(ErrorCode::not_found, folder.string(), "holds no trust record");
}

Status save_trust(const std::filesystem::path& folder, const TrustChain& chain) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(ErrorCode::unavailable, folder.string(), "cannot make it: " + error.message());
  }
  for (const SignedTrust& each : chain.all()) {
    const auto file = trust_file(folder, each.record.version);
    if (std::filesystem::exists(file, error)) continue;
    if (const Status stored = store_file(file, to_text(each), public_mode); !stored) return stored;
  }
  return ok();
}

}  // namespace tradewind
