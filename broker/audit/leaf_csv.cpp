#include "broker/audit/leaf_csv.h"

#include "schemas/time.h"

namespace tradewind {
namespace {

void add_quoted(std::string& row, std::string_view text) {
  row += ",\"";
  for (const char each : text) {
    if (each == '"') row += '"';
    row += each;
  }
  row += '"';
}

}  // namespace

std::string leaf_csv_row(std::uint64_t index, const LeafKeys& keys, BytesView event) {
  std::string row = std::to_string(index) + ',' + to_rfc3339(keys.recorded);
  for (const std::string_view each :
       {std::string_view(keys.type), std::string_view(keys.job), std::string_view(keys.site),
        std::string_view(keys.reason), event}) {
    add_quoted(row, each);
  }
  return row + "\r\n";
}

}  // namespace tradewind
