#include "state/disk/manifest_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace tradewind {
namespace {

constexpr std::size_t kBlockBytes = 32'768;
constexpr std::size_t kHeaderBytes = 7;  // checksum, length, type
constexpr unsigned kTypeMax = 4;         // whole, first, middle, last
// What a store of ours could come to, many times over.
constexpr std::size_t kManifestBytesMax = 256ULL * 1024 * 1024;

std::uint32_t number(BytesView bytes, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t at = 0; at < count; ++at) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[at])} << (8 * at);
  }
  return value;
}

// CRC-32C of the type and the payload, masked as RocksDB stores it.
std::uint32_t checksum(BytesView bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const std::uint32_t value = crc.checksum();
  return ((value >> 15U) | (value << 17U)) + 0xa282ead8U;
}

// Where the record at `at` says that it ends; nothing when it would pass the block or the file.
std::optional<std::size_t> end_of(BytesView file, std::size_t at) {
  const std::size_t block_end = (at / kBlockBytes + 1) * kBlockBytes;
  if (at + kHeaderBytes > std::min(block_end, file.size())) return std::nullopt;
  const std::size_t end = at + kHeaderBytes + number(file.substr(at + 4), 2);
  return end <= std::min(block_end, file.size()) ? std::optional(end) : std::nullopt;
}

bool is_record(BytesView file, std::size_t at) {
  const auto end = end_of(file, at);
  if (!end) return false;
  const auto type = static_cast<unsigned char>(file[at + kHeaderBytes - 1]);
  if (type == 0 || type > kTypeMax) return false;
  const BytesView checked = file.substr(at + kHeaderBytes - 1, *end - (at + kHeaderBytes - 1));
  return number(file.substr(at), 4) == checksum(checked);
}

Result<Bytes> read_whole(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file || size > kManifestBytesMax) {
    return fail(ErrorCode::corrupt, path.string(), "does not read",
                "restore the directory as a whole from a backup");
  }
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

Status check_manifest(const std::filesystem::path& store) {
  std::error_code error;
  if (!std::filesystem::exists(store / "CURRENT", error)) return ok();
  auto name = read_whole(store / "CURRENT");
  if (!name) return fail(name.error());
  // What else may be wrong with that name the store itself tells.
  if (!name->starts_with("MANIFEST-") || name->find('/') != Bytes::npos) return ok();
  if (name->ends_with('\n')) name->pop_back();
  const auto file = read_whole(store / *name);
  if (!file) return fail(file.error());

  const auto damaged = [&](std::size_t at) {
    return fail(ErrorCode::corrupt, (store / *name).string(),
                fmt::format("the record at byte {} is damaged, and would hide what follows", at),
                "restore the directory as a whole from a backup");
  };
  std::size_t at = 0;
  while (at < file->size()) {
    if (kBlockBytes - at % kBlockBytes < kHeaderBytes) {
      at = (at / kBlockBytes + 1) * kBlockBytes;
      continue;
    }
    if (!is_record(*file, at)) break;
    at = *end_of(*file, at);
  }
  if (at + kHeaderBytes > file->size()) return ok();
  const BytesView rest = BytesView(*file).substr(at);
  if (rest.find_first_not_of('\0') == BytesView::npos) return ok();  // never written
  // Half a record says of itself that it is longer. If it is whole by any other length, that is
  // wrong.
  if (end_of(*file, at) || number(rest, 4) == checksum(rest.substr(kHeaderBytes - 1))) {
    return damaged(at);
  }
  for (std::size_t later = at + 1; later + kHeaderBytes <= file->size(); ++later) {
    if (is_record(*file, later)) return damaged(at);
  }
  return ok();
}

}  // namespace tradewind
