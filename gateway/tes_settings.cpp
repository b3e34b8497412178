#include "gateway/tes_settings.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "schemas/url.h"

namespace tradewind {
namespace {

// Whether nobody else reads what goes there in the clear.
bool is_this_machine(std::string_view url) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{
          "http://127.", "http://localhost:", "http://localhost/", "http://[::1]"},
      [url](std::string_view each) { return url.starts_with(each); });
}

}  // namespace

TesSettings read_tes(const TomlTable& engine, const SiteRecord& record,
                     const Environment& environment) {
  TesSettings tes;
  if (!engine.has("tes")) {
    engine.refuse("tes", "is missing", "add [engine.tes] with the url of the TES server");
  }
  const TomlTable table = engine.table(
      "tes", {"url", "token_file", "user", "ca_file", "image", "outputs_url", "pools"});
  tes.url = table.text("url", std::nullopt);
  if (const auto url = expanded(table, "url", tes.url, environment)) tes.url = *url;
  if (table.has("token_file")) {
    tes.token_file = path_at(table, "token_file", "/etc/tradewind/tes.token", environment);
  }
  if (table.has("ca_file")) {
    tes.ca_file = path_at(table, "ca_file", "/etc/tradewind/tes-ca.pem", environment);
  }
  const bool https = tes.url.starts_with("https://");
  if (table.has("url") && !behind_http(tes.url)) {
    table.refuse("url", fmt::format("\"{}\" is no URL of a TES server", tes.url),
                 "write its base path, such as https://HOST/ga4gh/tes/v1");
  } else if (!https && !tes.token_file.empty() && !is_this_machine(tes.url)) {
    table.refuse("url", fmt::format("\"{}\" would send the token in the clear", tes.url),
                 "use https, or a tunnel that ends on this machine");
  }
  tes.user = table.text("user", "");
  const bool name = std::ranges::all_of(tes.user, [](char c) { return c > ' ' && c != ':'; });
  if (!name) table.refuse("user", "is no name of a user", "write it without spaces and colons");
  if (!tes.user.empty() && tes.token_file.empty()) {
    table.refuse("user", "has no password", "name a token_file that holds it");
  }
  tes.image = table.text("image", "");
  tes.outputs_url = table.text("outputs_url", "");
  if (const auto url = expanded(table, "outputs_url", tes.outputs_url, environment)) {
    tes.outputs_url = *url;
  }
  while (tes.outputs_url.ends_with('/')) tes.outputs_url.pop_back();
  const TomlTable pools = table.open_table("pools");
  for (const std::string& each : pools.keys()) {
    const bool known = std::ranges::count(record.pools, PoolId{each}, &Pool::id) > 0;
    if (!known) {
      pools.refuse(each, "is no pool of this site", "name one of [[pool]]");
      continue;
    }
    const TomlTable pool = pools.table(each, {"zones", "backend_parameters"});
    tes.pools[PoolId{each}] = {pool.texts("zones"),
                               pool.open_table("backend_parameters").text_map()};
  }
  return tes;
}

}  // namespace tradewind
