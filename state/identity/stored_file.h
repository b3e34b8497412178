// Small files that must be whole or absent: keys, certificates, configuration. Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

#include "schemas/result.h"

namespace tradewind {

// Who may read a stored file.
inline constexpr mode_t private_mode = 0600;
inline constexpr mode_t public_mode = 0644;

// Writes the file so that after a crash it holds either what it held before or all of `bytes`: a
// new file with exactly this mode, synced, renamed into place, and the folder synced. Fails with
// ErrorCode::unavailable naming the path.
Status store_file(const std::filesystem::path& file, BytesView bytes, mode_t mode);

// The whole file. Fails with not_found, too_large (over `bytes_max`) or unavailable.
Result<Bytes> load_file(const std::filesystem::path& file, std::size_t bytes_max);

// As load_file, for secrets: also fails with ErrorCode::forbidden when the file's group or others
// may access it.
Result<Bytes> load_private_file(const std::filesystem::path& file, std::size_t bytes_max);

// Another text whenever the file at this path has been changed or replaced; "absent" without one.
std::string file_stamp(const std::filesystem::path& file);

}  // namespace tradewind
