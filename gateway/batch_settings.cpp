#include "gateway/batch_settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "gateway/engines/batch_reader.h"

namespace tradewind {
namespace {

void read_states(const TomlTable& status, std::map<std::string, QueueState>& states) {
  constexpr std::array<std::pair<std::string_view, QueueState>, 4> kinds{
      {{"waiting", QueueState::waiting},
       {"running", QueueState::running},
       {"held", QueueState::held},
       {"ended", QueueState::over}}};
  for (const auto& [key, state] : kinds) {
    for (const std::string& word : status.texts(key)) {
      if (states.emplace(word, state).second) continue;
      status.refuse(key, fmt::format("\"{}\" stands twice", word), "keep one of them");
    }
  }
}

void read_commands(const TomlTable& table, BatchCommands& commands) {
  const TomlTable submit = table.table("submit", {"command", "job", "refused"});
  commands.submit = {submit.texts("command"), submit.text("job", std::nullopt),
                     submit.text("refused", "")};
  const TomlTable status = table.table(
      "status", {"command", "record_end", "job", "whole", "waiting", "running", "held", "ended"});
  commands.status.command = status.texts("command");
  commands.status.record_end = status.text("record_end", commands.status.record_end);
  commands.status.job = status.text("job", std::nullopt);
  commands.status.whole = status.text("whole", "");
  read_states(status, commands.status.states);
  commands.cancel = table.table("cancel", {"command"}).texts("command");
  if (!table.has("usage")) return;
  const TomlTable usage = table.table("usage", {"command", "record_end", "job"});
  commands.usage = {usage.texts("command"), usage.text("record_end", ""),
                    usage.text("job", std::nullopt)};
}

void read_options(const TomlTable& table, const SiteRecord& record, BatchCommands& commands) {
  const TomlTable pools = table.open_table("pools");
  for (const std::string& each : pools.keys()) {
    if (std::ranges::count(record.pools, PoolId{each}, &Pool::id) == 0) {
      pools.refuse(each, "is no pool of this site", "name one of [[pool]]");
    }
    commands.pool_options[PoolId{each}] = pools.texts(each);
  }
  commands.options = table.texts("options");
  const TomlTable tenants = table.open_table("tenants");
  for (const std::string& each : tenants.keys()) {
    if (const Status good = check_name(each, each); !good) tenants.refuse(each, good.error());
    commands.tenant_options[TenantId{each}] = tenants.texts(each);
  }
}

}  // namespace

BatchSettings read_batch(const TomlTable& engine, const SiteRecord& record,
                         const Environment& environment) {
  BatchSettings batch;
  if (!engine.has("batch")) {
    engine.refuse("batch", "is missing", "add [engine.batch] with the queue's commands");
  }
  const TomlTable table =
      engine.table("batch", {"directory", "programs", "staging_minutes", "poll_seconds", "submit",
                             "status", "cancel", "usage", "pools", "options", "tenants"});
  if (table.has("directory")) {
    batch.directory = path_at(table, "directory", "/shared/tradewind", environment);
  }
  batch.programs = programs_at(table, "programs", "/shared/bin/tradewind-attempt", environment);
  batch.staging_minutes = static_cast<std::uint32_t>(
      table.whole("staging_minutes", 1, 7 * 24 * 60, batch.staging_minutes));
  batch.poll_seconds =
      static_cast<std::uint32_t>(table.whole("poll_seconds", 1, 3'600, batch.poll_seconds));
  read_commands(table, batch.commands);
  read_options(table, record, batch.commands);
  if (const Status fine = check_batch_commands(batch.commands); !fine) {
    table.refuse(fine.error().field, fine.error());
  } else if (const auto reader = BatchReader::make(batch.commands); !reader) {
    table.refuse(reader.error().field, reader.error());
  }
  return batch;
}

}  // namespace tradewind
