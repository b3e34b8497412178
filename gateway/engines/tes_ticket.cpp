#include "gateway/engines/tes_ticket.h"

#include <charconv>

#include <fmt/format.h>

#include "gateway/engines/tes_records.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;

Error unreadable(const fs::path& file) {
  return {ErrorCode::corrupt, file.string(), "is not as a gateway writes it", "check the disk"};
}

}  // namespace

Status write_tes_ticket(const fs::path& root, const std::string& name, const AttemptId& attempt,
                        const Assignment& assignment) {
  // An assignment and an attempt make a dispatch, which has a form of its own.
  const ToGateway message{Term{}, Dispatch{attempt, assignment, 1}};
  return store_file(root / name / "state" / "ticket", encode(message), private_mode);
}

Status write_tes_task(const fs::path& root, const std::string& name, const std::string& task,
                      std::optional<EndCode> stopped) {
  return store_file(root / name / "state" / "task",
                    fmt::format("{}\n{}", stopped ? static_cast<int>(*stopped) : -1, task),
                    private_mode);
}

Result<TesTicket> read_tes_ticket(const fs::path& root, const std::string& name) {
  const fs::path file = root / name / "state" / "ticket";
  const auto bytes = load_file(file, limits::frame_bytes_max);
  if (!bytes) return fail(bytes.error());
  auto message = decode_to_gateway(*bytes);
  if (!message) return fail(message.error());
  auto* dispatch = std::get_if<Dispatch>(&message->body);
  if (dispatch == nullptr) return fail(unreadable(file));
  TesTicket ticket{std::move(dispatch->attempt), std::move(dispatch->assignment), {}, {}};
  const auto text = load_file(root / name / "state" / "task", tes_id_bytes_max + 16);
  if (!text && text.error().code == ErrorCode::not_found) return ticket;
  if (!text) return fail(text.error());
  const auto line = text->find('\n');
  int stopped = -1;
  if (line == std::string::npos ||
      std::from_chars(text->data(), text->data() + line, stopped).ec != std::errc{} ||
      stopped < -1 || stopped >= end_codes_count) {
    return fail(unreadable(file));
  }
  if (stopped >= 0) ticket.stopped = static_cast<EndCode>(stopped);
  ticket.task = text->substr(line + 1);
  return ticket;
}

}  // namespace tradewind
