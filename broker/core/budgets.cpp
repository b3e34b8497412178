// What tenants may spend: how operators set it, who reads it, and how it comes back after a
// restart.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "broker/core/core.h"
#include "broker/core/value_keys.h"
#include "schemas/codec.h"

namespace tradewind {
namespace {

tl::unexpected<Error> no_budget(const TenantId& tenant) {
  return fail(ErrorCode::not_found, "tenant", "there is no budget of \"" + tenant.value + "\"",
              "list the budgets to see whose there are; without one a tenant spends what it will");
}

}  // namespace

Status Core::load_budgets() {
  const auto corrupt = [](std::string_view key) {
    return fail(ErrorCode::corrupt, std::string(key), "is no budget",
                "restore the broker's store from a backup");
  };
  std::map<TenantId, BudgetSpent> spent;
  Status status = ok();
  Status read = journal_.values(value_keys::spent, [&](std::string_view key, BytesView value) {
    const auto known = value_keys::read_spent(value);
    if (known) {
      spent[TenantId{std::string(key.substr(value_keys::spent.size()))}] = *known;
    } else {
      status = corrupt(key);
    }
  });
  if (!read) return read;
  read = journal_.values(value_keys::budget, [&](std::string_view key, BytesView value) {
    const auto entry = decode_entry(value);
    const auto* changed = entry ? std::get_if<BudgetChanged>(&entry->body) : nullptr;
    const auto known = changed != nullptr ? spent.find(changed->tenant) : spent.end();
    if (known == spent.end() || !changed->budget) {
      status = corrupt(key);
    } else {
      lifecycle_.recover_budget(changed->tenant, *changed->budget, known->second);
    }
  });
  return read ? status : read;
}

BudgetReport Core::report(const TenantId& tenant, const BudgetStanding& standing) const {
  return {tenant, standing, lifecycle_.waiting_for_budget(tenant)};
}

void Core::set_budget(TenantId tenant, Budget budget, std::optional<std::uint64_t> replaces,
                      std::string principal, Reply<BudgetReceipt> reply) {
  post(reply, [this, tenant = std::move(tenant), budget, replaces, principal = std::move(principal),
               reply]() mutable {
    const auto before = lifecycle_.budgets().find(tenant);
    const std::uint64_t version = before ? before->budget.version : 0;
    if (replaces && *replaces != version) {
      return reply(
          fail(ErrorCode::conflict, "replaces",
               fmt::format("the budget in force has the version {}, not {}", version, *replaces),
               "read the budget again and decide anew"));
    }
    if (!before) {
      if (auto room = check_room(); !room) return reply(fail(std::move(room.error())));
      if (lifecycle_.budgets().count() >= limits::budgets_max) {
        return reply(fail(ErrorCode::exhausted, "tenant",
                          fmt::format("{} tenants have budgets", limits::budgets_max),
                          "remove some that are of no use any more"));
      }
    }
    budget.version = next_sequence().value;
    const Now now = system_now();
    lifecycle_.set_budget(BudgetChanged{tenant, std::move(principal), budget}, now);
    BudgetReceipt receipt{report(tenant, *lifecycle_.budgets().find(tenant)), !before};
    spdlog::info("budget.set tenant={} limit={} period={}", tenant.value,
                 to_decimal(budget.limit.micros), to_string(budget.period));
    after_commit_.push_back([reply, receipt = std::move(receipt)] { reply(receipt); });
  });
}

void Core::remove_budget(TenantId tenant, std::string principal, Reply<std::monostate> reply) {
  post(reply,
       [this, tenant = std::move(tenant), principal = std::move(principal), reply]() mutable {
         if (!lifecycle_.budgets().find(tenant)) return reply(no_budget(tenant));
         spdlog::info("budget.removed tenant={}", tenant.value);
         lifecycle_.set_budget(BudgetChanged{std::move(tenant), std::move(principal), std::nullopt},
                               system_now());
         after_commit_.push_back([reply] { reply(std::monostate{}); });
       });
}

void Core::find_budget(TenantId tenant, Reply<BudgetReport> reply) {
  post(reply, [this, tenant = std::move(tenant), reply] {
    const auto standing = lifecycle_.budgets().find(tenant);
    if (!standing) return reply(no_budget(tenant));
    reply(report(tenant, *standing));
  });
}

void Core::list_budgets(TenantId after, std::size_t limit, Reply<BudgetPage> reply) {
  post(reply, [this, after = std::move(after), limit, reply] {
    BudgetPage page;
    for (const auto& [tenant, standing] : lifecycle_.budgets().list(after, limit + 1)) {
      if (page.budgets.size() == limit) {
        page.more = true;
        break;
      }
      page.budgets.push_back(report(tenant, standing));
    }
    reply(std::move(page));
  });
}

}  // namespace tradewind
