#include "schemas/record.h"

namespace tradewind {

std::string_view to_string(RecordKind kind) {
  switch (kind) {
    case RecordKind::member: return "member";
    case RecordKind::site: return "site";
    case RecordKind::quote: return "quote";
  }
  return "quote";
}

std::string_view to_string(MemberState state) {
  switch (state) {
    case MemberState::active: return "active";
    case MemberState::suspended: return "suspended";
    case MemberState::revoked: return "revoked";
  }
  return "active";
}

}  // namespace tradewind
