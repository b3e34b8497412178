#include "gateway/slurm_settings.h"

#include <fmt/format.h>

#include "schemas/limits.h"
#include "schemas/url.h"

namespace tradewind {
namespace {

SlurmAccountSettings read_account(const TomlTable& table) {
  return {table.text("account", ""), table.text("qos", "")};
}

// By slurmrestd with a token, or without an url by Slurm's commands.
void read_slurm_access(const TomlTable& table, SlurmSettings& slurm,
                       const Environment& environment) {
  slurm.user = table.text("user", "");
  slurm.url = table.text("url", "");
  slurm.token_command = table.text("token_command", "");
  if (table.has("token_file")) {
    slurm.token_file = path_at(table, "token_file", "/etc/tradewind/slurm.token", environment);
  }
  if (table.has("commands")) {
    slurm.commands = path_at(table, "commands", "/opt/slurm/bin", environment);
  }
  if (!table.has("url")) {
    for (const char* token : {"token_file", "token_command"}) {
      if (table.has(token)) {
        table.refuse(token, "is for slurmrestd, whose url is missing",
                     "give url, or leave it out and Slurm's commands are used");
      }
    }
    return;
  }
  if (const auto url = expanded(table, "url", slurm.url, environment)) slurm.url = *url;
  if (!behind_http(slurm.url)) {
    table.refuse("url", fmt::format("\"{}\" is no URL of slurmrestd", slurm.url),
                 "write http://HOST:PORT or https://HOST:PORT");
  }
  if (slurm.token_file.empty() == slurm.token_command.empty()) {
    table.refuse("token_file", "the token comes from one place",
                 "give token_file or token_command, and not both");
  }
  if (table.has("commands")) {
    table.refuse("commands", "is not used where slurmrestd has a url", "give one of the two");
  }
}

}  // namespace

SlurmSettings read_slurm(const TomlTable& engine, const SiteRecord& record,
                         const Environment& environment) {
  SlurmSettings slurm;
  const TomlTable table =
      engine.table("slurm", {"url", "user", "token_file", "token_command", "commands", "directory",
                             "programs", "staging_minutes", "pools", "account", "qos", "tenants"});
  read_slurm_access(table, slurm, environment);
  if (table.has("directory")) {
    slurm.directory = path_at(table, "directory", "/shared/tradewind", environment);
  }
  slurm.programs = programs_at(table, "programs", "/shared/bin/tradewind-attempt", environment);
  slurm.staging_minutes = static_cast<std::uint32_t>(
      table.whole("staging_minutes", 1, 7 * 24 * 60, slurm.staging_minutes));
  slurm.account = read_account(table);
  for (const Pool& each : record.pools) slurm.pools[each.id].partition = each.id.value;
  const TomlTable pools = table.open_table("pools");
  for (const std::string& each : pools.keys()) {
    const auto known = slurm.pools.find(PoolId{each});
    if (known == slurm.pools.end()) {
      pools.refuse(each, "is no pool of this site", "name one of [[pool]]");
      continue;
    }
    const TomlTable pool = pools.table(each, {"partition", "features", "gres"});
    known->second.partition = pool.text("partition", each);
    known->second.features = pool.text("features", "");
    known->second.gres = pool.text("gres", "gpu");
  }
  const TomlTable tenants = table.open_table("tenants");
  for (const std::string& each : tenants.keys()) {
    if (const Status good = check_name(each, each); !good) tenants.refuse(each, good.error());
    slurm.tenants[TenantId{each}] = read_account(tenants.table(each, {"account", "qos"}));
  }
  return slurm;
}

}  // namespace tradewind
