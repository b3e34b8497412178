// `tradewind dataset`.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>

#include "broker/cli/context.h"
#include "broker/cli/job_document.h"
#include "broker/cli/pages.h"
#include "broker/cli/table.h"

namespace tradewind::cli {
namespace {

struct DatasetOptions {
  std::string name;
  std::vector<std::string> replicas;  // URL[,site=SITE][,region=REGION]
  std::uint64_t size_bytes = 0;
  std::string sha256;
  std::vector<std::string> residency;
  std::vector<std::string> shared_with;
  bool shared_with_all = false;
};

std::string path_of(const std::string& name) {
  return "/v1/datasets/" + url_escape(name);
}

Result<boost::json::object> replica(const std::string& text) {
  // From the right: a URL may hold commas of its own.
  boost::json::object out;
  std::string rest = text;
  for (;;) {
    const auto comma = rest.rfind(',');
    if (comma == std::string::npos) break;
    const std::string last = rest.substr(comma + 1);
    const auto equals = last.find('=');
    const std::string key = last.substr(0, equals);
    if (equals == std::string::npos || (key != "site" && key != "region")) break;
    if (out.contains(key)) {
      return fail(ErrorCode::invalid, "--replica", "\"" + text + "\" names two of " + key,
                  "write URL,site=SITE,region=REGION");
    }
    out[key] = last.substr(equals + 1);
    rest.resize(comma);
  }
  out["url"] = rest;
  return out;
}

Result<boost::json::object> document_of(const DatasetOptions& options) {
  boost::json::object document;
  boost::json::array replicas;
  for (const std::string& each : options.replicas) {
    auto made = replica(each);
    if (!made) return made;
    replicas.push_back(std::move(*made));
  }
  const auto list = [](const std::vector<std::string>& from) {
    boost::json::array array;
    for (const std::string& each : from) array.emplace_back(each);
    return array;
  };
  document["replicas"] = std::move(replicas);
  document["size_bytes"] = options.size_bytes;
  if (!options.sha256.empty()) document["sha256"] = options.sha256;
  document["residency"] = list(options.residency);
  document["shared_with"] = list(options.shared_with);
  document["shared_with_all"] = options.shared_with_all;
  return document;
}

std::string joined(const boost::json::value& dataset, std::string_view key) {
  std::string text;
  for (const auto& each : items(dataset, key)) {
    text += (text.empty() ? "" : ", ") + std::string(each.as_string());
  }
  return text;
}

std::string sharing(const boost::json::value& dataset) {
  if (text(dataset, "shared_with_all") == "true") return "all";
  return joined(dataset, "shared_with");
}

void print(const boost::json::value& dataset) {
  const std::string residency = joined(dataset, "residency");
  std::cout << fmt::format("{}, of {}\n", text(dataset, "name"), text(dataset, "owner"))
            << fmt::format("  size       {}\n",
                           bytes(static_cast<std::uint64_t>(number(dataset, "size_bytes"))))
            << fmt::format("  processed  {}\n",
                           residency.empty() ? "anywhere" : "in " + residency + " only");
  if (const std::string digest = text(dataset, "sha256"); !digest.empty()) {
    std::cout << "  sha256     " << digest << '\n';
  }
  if (const std::string tenants = sharing(dataset); !tenants.empty()) {
    std::cout << "  shared     with " << tenants << '\n';
  }
  for (const auto& each : items(dataset, "replicas")) {
    const std::string site = text(each, "site");
    const std::string region = text(each, "region");
    std::cout << "  replica    " << text(each, "url") << (site.empty() ? "" : " at " + site)
              << (region.empty() ? "" : " in " + region) << '\n';
  }
}

void print_list(const boost::json::array& datasets) {
  Table table({{"NAME"}, {"OWNER"}, {"SIZE", true}, {"REPLICAS", true}, {"PROCESSED IN"}});
  for (const auto& each : datasets) {
    const std::string residency = joined(each, "residency");
    table.add({text(each, "name"), text(each, "owner"),
               bytes(static_cast<std::uint64_t>(number(each, "size_bytes"))),
               std::to_string(items(each, "replicas").size()),
               residency.empty() ? "anywhere" : residency});
  }
  std::cout << (table.empty() ? "no data sets\n" : table.render());
}

}  // namespace

void add_dataset_commands(CLI::App& app, Context& context) {
  auto* dataset =
      app.add_subcommand("dataset", "data that jobs name, and where it may be processed");
  dataset->require_subcommand(1);
  examples(*dataset, {"tradewind dataset list", "tradewind dataset show words",
                      "tradewind quote --dataset /data/words.txt=words -- wc -w /data/words.txt"});
  auto options = std::make_shared<DatasetOptions>();

  auto* set = dataset->add_subcommand("set", "make a data set, or describe it anew as a whole");
  set->add_option("name", options->name, "its name, one in the whole federation")->required();
  set->add_option("--replica", options->replicas,
                  "URL[,site=SITE][,region=REGION]: where a copy lies")
      ->required()
      ->allow_extra_args(false)
      ->take_all();
  set->add_option("--size-bytes", options->size_bytes, "prices and staging times rest on it");
  set->add_option("--sha256", options->sha256, "checked after staging");
  set->add_option("--residency", options->residency,
                  "jurisdictions where it may be processed; none: anywhere")
      ->allow_extra_args(false)
      ->delimiter(',');
  set->add_option("--share-with", options->shared_with, "tenants who may use it too")
      ->allow_extra_args(false)
      ->delimiter(',');
  set->add_flag("--share-with-all", options->shared_with_all, "all tenants may use it");
  examples(*set,
           {"tradewind dataset set words --size-bytes 22 --replica https://example.org/words.txt",
            "tradewind dataset set scans --residency CH,DE --replica "
            "file:///srv/scans,site=eu-zurich-1 --share-with beta"});
  set->callback([&context, options] {
    const auto document = document_of(*options);
    if (!document) return context.report(document.error());
    const auto reply = context.client().put(path_of(options->name), *document);
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { print(*reply); });
  });

  auto* list = dataset->add_subcommand("list", "your data sets, and those shared with you");
  examples(*list, {"tradewind dataset list"});
  list->callback([&context] {
    const auto datasets = all_items(context.client(), "/v1/datasets", "datasets");
    if (!datasets) return context.report(datasets.error());
    context.show(boost::json::object{{"datasets", *datasets}}, [&] { print_list(*datasets); });
  });

  auto* show = dataset->add_subcommand("show", "all of a data set");
  show->add_option("name", options->name)->required();
  examples(*show, {"tradewind dataset show words"});
  show->callback([&context, options] {
    const auto reply = context.client().get(path_of(options->name));
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { print(*reply); });
  });

  auto* remove =
      dataset->add_subcommand("remove", "forget it; jobs that named it keep what they got");
  remove->add_option("name", options->name)->required();
  examples(*remove, {"tradewind dataset remove words"});
  remove->callback([&context, options] {
    const auto reply = context.client().remove(path_of(options->name));
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { std::cout << "removed " << options->name << '\n'; });
  });
}

}  // namespace tradewind::cli
