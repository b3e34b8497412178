// `tradewind audit`: query, verify, replay, receipt, export, follow, stats.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "broker/audit/leaf.h"
#include "broker/audit/leaf_csv.h"
#include "broker/audit/replay.h"
#include "broker/cli/audit_log.h"
#include "broker/cli/audit_stats.h"
#include "broker/cli/context.h"
#include "broker/cli/events.h"
#include "broker/cli/table.h"
#include "state/identity/encoding.h"
#include "state/identity/trust_files.h"
#include "state/transparency/line.h"
#include "state/transparency/log_directory.h"
#include "state/transparency/receipt.h"

namespace tradewind::cli {
namespace {

namespace json = boost::json;

// Calls `run` with the log, and reports what comes of it.
void with_log(Context& context, const AuditOptions& options,
              const std::function<Status(AuditLog&)>& run) {
  auto log = AuditLog::open(context, options);
  if (!log) return context.report(log.error());
  if (const Status done = run(**log); !done) context.report(done.error());
}

void add_log_options(CLI::App& command, AuditOptions& options) {
  command
      .add_option("--log", options.directory,
                  "folder with an exported log; by default the broker's own is read")
      ->type_name("DIR");
  command.add_option("--log-key", options.key,
                     "the log's key; by default what the broker says it is, which shows nothing "
                     "about the broker");
  command.add_option("--witness", options.witnesses,
                     "key of a witness that must have cosigned; may be given several times");
}

// --- query ---------------------------------------------------------------------------------------

struct Filters {
  std::string job;
  std::string tenant;
  std::string site;
  std::string type;
  std::string reason;
  std::string after;
  std::string before;
  std::uint64_t limit = 100;

  std::string query() const {
    std::string text;
    const auto add = [&text](std::string_view name, const std::string& value) {
      if (!value.empty()) text += fmt::format("&{}={}", name, url_escape(value));
    };
    add("job", job);
    add("tenant", tenant);
    add("site", site);
    add("type", type);
    add("reason", reason);
    add("after", after);
    add("before", before);
    return text;
  }
};

void query(Context& context, const Filters& filters) {
  HttpClient client = context.client();
  json::value checkpoint;
  json::array entries;
  Table table = events_table();
  const Status done =
      each_event(client, filters.query(), filters.limit, checkpoint,
                 [&](std::uint64_t index, const std::string& event) {
                   auto value = parse_event(index, event);
                   if (!value) return Status(fail(value.error()));
                   add_event(table, index, *value);
                   entries.push_back(json::object{{"index", index}, {"event", std::move(*value)}});
                   return ok();
                 });
  if (!done) return context.report(done.error());
  context.show(json::object{{"checkpoint", checkpoint}, {"entries", std::move(entries)}}, [&] {
    std::cout << (table.empty() ? "no entry matches\n" : table.render())
              << fmt::format("complete up to the checkpoint of {} entries\n",
                             number(checkpoint, "size"));
  });
}

// --- verify --------------------------------------------------------------------------------------

Status verify(Context& context, AuditLog& log) {
  const auto known = log.saved();
  if (!known) return fail(known.error());
  const auto newest = log.newest();
  if (!newest) return fail(newest.error());
  const TreeHead& head = newest->verified.checkpoint.head;
  if (head.size < known->size) {
    return fail(ErrorCode::corrupt, "checkpoint",
                fmt::format("has {} entries, the saved one {}: the log was set back", head.size,
                            known->size),
                "keep both checkpoints; together they prove it");
  }
  const auto start = std::chrono::steady_clock::now();
  if (const Status good = log.verify(*known, head); !good) return good;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (const Status kept = log.save(newest->note); !kept) return kept;
  json::array cosigned;
  for (const VerifiedSignature& each : newest->verified.cosignatures) {
    cosigned.emplace_back(each.key.name);
  }
  context.show(json::object{{"origin", newest->verified.checkpoint.origin},
                            {"size", head.size},
                            {"root", hash_line(head.root)},
                            {"from", known->size},
                            {"cosigned_by", cosigned},
                            {"seconds", seconds}},
               [&] {
                 std::cout << fmt::format("{}: {} entries verified, of {}; root {}\n",
                                          newest->verified.checkpoint.origin,
                                          head.size - known->size, head.size, hash_line(head.root));
                 for (const json::value& each : cosigned) {
                   std::cout << "cosigned by " << each.as_string().c_str() << '\n';
                 }
               });
  return ok();
}

// --- replay --------------------------------------------------------------------------------------

json::object to_json(const Replayed& told) {
  json::object out{{"index", told.index}, {"subject", told.subject}, {"same", told.same}};
  if (!told.same) {
    out["where"] = told.where;
    out["logged"] = told.logged;
    out["replayed"] = told.replayed;
  }
  return out;
}

// `wanted`: a job, an array, an attempt or an index; empty: all.
bool is_wanted(const Replayed& told, const std::string& wanted) {
  if (wanted.empty() || std::to_string(told.index) == wanted || told.subject == wanted) return true;
  return told.subject.starts_with(wanted + "#") || told.subject.starts_with(wanted + "-");
}

Status replay(Context& context, AuditLog& log, const std::string& wanted) {
  Replayer::Options options;
  if (!log.options().trust.empty()) {
    auto trust = load_trust_file(log.options().trust);
    if (!trust) return fail(trust.error());
    auto chain = TrustChain::from(std::move(*trust));
    if (!chain) return fail(chain.error());
    options.trust = std::move(*chain);
  }
  const auto newest = log.newest();
  if (!newest) return fail(newest.error());
  std::vector<Replayed> told;
  std::uint64_t different = 0;
  std::uint64_t matched = 0;
  Replayer replayer(std::move(options),
                    {.data = [&](std::string_view sha256) { return log.data(sha256); },
                     .opening = [&](std::uint64_t index) { return log.opening(index); }},
                    [&](const Replayed& each) {
                      if (!is_wanted(each, wanted)) return;
                      ++matched;
                      different += each.same ? 0 : 1;
                      if (!each.same || !wanted.empty()) told.push_back(each);
                    });
  const TreeHead& head = newest->verified.checkpoint.head;
  const Status verified =
      log.verify({}, head, [&](std::uint64_t, BytesView entry) { return replayer.fold(entry); });
  if (!verified) return verified;
  replayer.finish();
  if (matched == 0 && !wanted.empty()) {
    return fail(ErrorCode::not_found, "", "the log has no decision about " + wanted,
                "see: tradewind audit query --job JOB");
  }
  json::array decisions;
  for (const Replayed& each : told) decisions.push_back(to_json(each));
  context.show(
      json::object{{"size", head.size},
                   {"decisions", matched},
                   {"different", different},
                   {"signatures_verified", replayer.counts().signatures},
                   {"shown", std::move(decisions)}},
      [&] {
        for (const Replayed& each : told) {
          if (each.same) {
            std::cout << fmt::format("entry {}: {} comes out the same\n", each.index, each.subject);
            continue;
          }
          std::cout << fmt::format(
              "entry {}: {} comes out otherwise\n  {}\n    in the log  {}\n    again       "
              "{}\n",
              each.index, each.subject, each.where.empty() ? "decision" : each.where,
              each.logged.empty() ? "nothing" : each.logged,
              each.replayed.empty() ? "nothing" : each.replayed);
        }
        std::cout << fmt::format("{} entries verified; {} of {} decisions come out the same\n",
                                 head.size, matched - different, matched);
      });
  if (different > 0) context.set_exit(Exit::failed);
  return ok();
}

// --- receipt -------------------------------------------------------------------------------------

Status receipt(Context& context, AuditLog& log, const std::string& job,
               const std::filesystem::path& folder) {
  std::vector<std::pair<std::uint64_t, std::string>> found;
  json::value checkpoint;
  const Status listed = each_event(log.client(), "&job=" + url_escape(job), UINT64_MAX, checkpoint,
                                   [&](std::uint64_t index, const std::string& event) {
                                     found.emplace_back(index, event);
                                     return ok();
                                   });
  if (!listed) return listed;
  if (found.empty()) {
    return fail(ErrorCode::not_found, "job", "the log has no entry about " + job,
                "check the id; the newest entries are published within a second");
  }
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  json::array receipts;
  Table table = events_table();
  for (const auto& [index, event] : found) {
    const std::string number = std::to_string(index);
    const auto bytes = log.client().get_bytes("/v1/audit/proofs/" + number);
    if (!bytes) return fail(bytes.error());
    const auto parsed = parse_receipt(*bytes);
    if (!parsed) return fail(parsed.error());
    const auto verified = verify_receipt(*parsed, event, log.key());
    if (!verified) return fail(verified.error());
    if (parsed->index != index) {
      return fail(ErrorCode::corrupt, "receipt", "is for entry " + std::to_string(parsed->index),
                  "ask again, and keep the answer");
    }
    const auto value = parse_event(index, event);
    if (!value) return fail(value.error());
    add_event(table, index, *value);
    receipts.push_back(json::object{{"index", index}, {"event", event}, {"receipt", *bytes}});
    if (folder.empty()) continue;
    std::ofstream entry(folder / (number + ".json"), std::ios::binary);
    std::ofstream proof(folder / (number + ".tlog-proof"), std::ios::binary);
    entry << event;
    proof << *bytes;
    if (!entry.flush() || !proof.flush()) {
      return fail(ErrorCode::unavailable, "--dir", "\"" + folder.string() + "\" cannot be written");
    }
  }
  context.show(receipts, [&] {
    std::cout << table.render()
              << fmt::format("each of these {} entries is in the log: verified\n", found.size());
    if (!folder.empty()) {
      std::cout << "kept in " << folder.string() << ": INDEX.json and INDEX.tlog-proof\n";
    }
  });
  return ok();
}

// --- export --------------------------------------------------------------------------------------

// The tiles and bundles of the head, and data that entries name, as files.
Status export_tiles(AuditLog& log, const AuditLog::Newest& newest,
                    const std::filesystem::path& folder) {
  const TreeHead& head = newest.verified.checkpoint.head;
  std::error_code error;
  std::filesystem::create_directories(folder / "data", error);
  if (error) {
    return fail(ErrorCode::unavailable, "--to", "\"" + folder.string() + "\": " + error.message(),
                "give a folder that can be made");
  }
  const LogDirectory directory(folder);
  const Status verified = log.verify({}, head, [&](std::uint64_t index, BytesView entry) -> Status {
    if (entry.find("\"datasha256\":") == BytesView::npos) return ok();
    const auto value = parse_event(index, entry);
    if (!value) return fail(value.error());
    const std::string digest = text(*value, "datasha256");
    const auto data = log.data(digest);
    if (!data) return fail(data.error());
    std::ofstream stream(folder / "data" / digest, std::ios::binary);
    stream << *data;
    return stream.flush() ? ok() : fail(ErrorCode::unavailable, "--to", "cannot be written");
  });
  if (!verified) return verified;
  const TileReader tiles = log.tiles();
  const BundleReader bundles = log.bundles();
  for (unsigned level = 0; level < tile_levels; ++level) {
    const std::uint64_t hashes = hashes_at(head.size, level);
    for (std::uint64_t first = 0; first < hashes; first += tile_width) {
      const TileId id = tile_with(head.size, level, first);
      auto bytes = tiles(id);
      if (!bytes) return fail(std::move(bytes.error()));
      const Tile tile{id, std::move(*bytes)};
      std::vector<Bundle> entries;
      if (level == 0) {
        const BundleId bundle{id.index, id.width};
        auto read = bundles(bundle);
        if (!read) return fail(std::move(read.error()));
        entries.push_back({bundle, std::move(*read)});
      }
      if (const Status kept = directory.write({&tile, 1}, entries); !kept) return kept;
    }
  }
  return directory.write_checkpoint(newest.note);
}

Status export_lines(AuditLog& log, const AuditLog::Newest& newest, bool csv, std::ostream& out) {
  if (csv) out << leaf_csv_head;
  return log.verify({}, newest.verified.checkpoint.head,
                    [&](std::uint64_t index, BytesView entry) -> Status {
                      if (!csv) {
                        out << entry << '\n';
                        return ok();
                      }
                      const auto keys = leaf_keys(entry);
                      if (!keys) return fail(keys.error());
                      out << leaf_csv_row(index, *keys, entry);
                      return ok();
                    });
}

Status export_log(Context& context, AuditLog& log, const std::string& format,
                  const std::string& to) {
  const auto newest = log.newest();
  if (!newest) return fail(newest.error());
  Status done = ok();
  if (format == "tiles") {
    if (to.empty()) {
      return fail(ErrorCode::invalid, "--to", "is missing", "give a folder for the files");
    }
    done = export_tiles(log, *newest, to);
  } else if (to.empty()) {
    done = export_lines(log, *newest, format == "csv", std::cout);
  } else {
    std::ofstream stream(to, std::ios::binary);
    done = export_lines(log, *newest, format == "csv", stream);
    if (done && !stream.flush()) {
      done = fail(ErrorCode::unavailable, "--to", "\"" + to + "\" cannot be written",
                  "give a path in a folder that can be written");
    }
  }
  if (!done || to.empty()) return done;
  const std::uint64_t size = newest->verified.checkpoint.head.size;
  context.show(json::object{{"size", size}, {"format", format}, {"to", to}},
               [&] { std::cout << fmt::format("{} entries, verified, are in {}\n", size, to); });
  return ok();
}

// --- follow --------------------------------------------------------------------------------------

// What is published from now on, each verified against what came before; `count` checkpoints that
// grew (0: without end).
Status follow(Context& context, AuditLog& log, std::uint64_t count) {
  auto known = log.saved();
  if (!known) return fail(known.error());
  if (log.options().saved.empty()) {
    const auto newest = log.newest();
    if (!newest) return fail(newest.error());
    *known = newest->verified.checkpoint.head;
  }
  for (std::uint64_t seen = 0; count == 0 || seen < count;) {
    const auto newest = log.newest();
    if (!newest) return fail(newest.error());
    const TreeHead& head = newest->verified.checkpoint.head;
    if (head.size != known->size) {
      const Status verified =
          log.verify(*known, head, [&](std::uint64_t index, BytesView entry) -> Status {
            if (context.json) {
              std::cout << entry << '\n';
              return ok();
            }
            const auto value = parse_event(index, entry);
            if (!value) return fail(value.error());
            std::cout << event_line(index, *value);
            return ok();
          });
      if (!verified) return verified;
      std::cout << std::flush;
      if (const Status kept = log.save(newest->note); !kept) return kept;
      *known = head;
      if (++seen == count) break;
    } else if (head.root != known->root) {
      return fail(ErrorCode::corrupt, "checkpoint", "has the same size and another root",
                  "keep both checkpoints; together they prove it");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return ok();
}

}  // namespace

void add_audit_commands(CLI::App& app, Context& context) {
  auto* audit = app.add_subcommand(
      "audit", "the log of everything that the federation did, and whether it is true");
  examples(*audit,
           {"tradewind audit verify --save seen              # all of it; next time --saved seen",
            "tradewind audit replay --all                    # every decision again, compared",
            "tradewind audit query --job j0000000000001      # what happened to a job"});
  audit->require_subcommand(1);
  auto options = std::make_shared<AuditOptions>();

  auto filters = std::make_shared<Filters>();
  auto* query_command = audit->add_subcommand("query", "entries by what they speak of");
  query_command->add_option("--job", filters->job, "a job, or an array with all its tasks");
  query_command->add_option("--tenant", filters->tenant, "by its pseudonym in the log");
  query_command->add_option("--site", filters->site, "a site");
  query_command->add_option("--type", filters->type, "such as org.tradewind.job.decided");
  query_command->add_option("--reason", filters->reason, "such as no_capacity");
  query_command->add_option("--after", filters->after, "from this time on, in RFC 3339");
  query_command->add_option("--before", filters->before, "before this time, in RFC 3339");
  query_command->add_option("--limit", filters->limit, "entries at most")->capture_default_str();
  examples(
      *query_command,
      {"tradewind audit query --job j0000000000001",
       "tradewind audit query --site us-iowa-1 --type org.tradewind.attempt.refused --limit 20"});
  query_command->callback([&context, filters] { query(context, *filters); });

  auto* verify_command =
      audit->add_subcommand("verify", "recompute the whole log, or what came since a checkpoint");
  add_log_options(*verify_command, *options);
  verify_command->add_option("--saved", options->saved, "checkpoint that was verified before")
      ->type_name("FILE");
  verify_command->add_option("--save", options->save, "keep the checkpoint that is verified now")
      ->type_name("FILE");
  examples(*verify_command, {"tradewind audit verify --save seen",
                             "tradewind audit verify --saved seen --save seen"});
  verify_command->callback([&context, options] {
    with_log(context, *options, [&](AuditLog& log) { return verify(context, log); });
  });

  struct Replay {
    std::string wanted;
    bool all = false;
  };
  auto replayed = std::make_shared<Replay>();
  auto* replay_command = audit->add_subcommand(
      "replay", "make decisions again from the log alone, and compare them byte by byte");
  auto* wanted = replay_command->add_option("decision", replayed->wanted,
                                            "a job, an array, an attempt, or an entry's index");
  replay_command->add_flag("--all", replayed->all, "every decision")->excludes(wanted);
  add_log_options(*replay_command, *options);
  replay_command->add_option("--trust", options->trust,
                             "file with the federation's first trust record, which you have from "
                             "somebody you trust: the sites' signatures are then verified too");
  examples(*replay_command, {"tradewind audit replay j0000000000001",
                             "tradewind audit replay --all --trust 1.trust"});
  replay_command->callback([&context, options, replayed] {
    if (replayed->wanted.empty() && !replayed->all) {
      return context.report(Error{ErrorCode::invalid, "decision", "is missing",
                                  "name a job or an entry, or say --all"});
    }
    with_log(context, *options,
             [&](AuditLog& log) { return replay(context, log, replayed->wanted); });
  });

  struct ReceiptOptions {
    std::string job;
    std::string folder;
  };
  auto receipts = std::make_shared<ReceiptOptions>();
  auto* receipt_command =
      audit->add_subcommand("receipt", "what shows, to whoever has it, that the log has a job");
  receipt_command->add_option("job", receipts->job, "the job")->required();
  receipt_command->add_option("--dir", receipts->folder, "keep entries and receipts there")
      ->type_name("DIR");
  receipt_command->add_option("--log-key", options->key, "the log's key");
  examples(*receipt_command, {"tradewind audit receipt j0000000000001 --dir receipts"});
  receipt_command->callback([&context, options, receipts] {
    with_log(context, *options,
             [&](AuditLog& log) { return receipt(context, log, receipts->job, receipts->folder); });
  });

  struct Export {
    std::string format = "jsonl";
    std::string to;
  };
  auto exported = std::make_shared<Export>();
  auto* export_command = audit->add_subcommand("export", "the whole log, verified on the way");
  export_command->add_option("--format", exported->format, "jsonl, csv, or tiles for a web server")
      ->check(CLI::IsMember({"jsonl", "csv", "tiles"}))
      ->capture_default_str();
  export_command->add_option("--to", exported->to, "file, or folder for tiles; else to the output")
      ->type_name("FILE");
  add_log_options(*export_command, *options);
  examples(*export_command, {"tradewind audit export --format csv --to log.csv",
                             "tradewind audit export --format tiles --to log"});
  export_command->callback([&context, options, exported] {
    with_log(context, *options, [&](AuditLog& log) {
      return export_log(context, log, exported->format, exported->to);
    });
  });

  auto count = std::make_shared<std::uint64_t>(0);
  auto* follow_command =
      audit->add_subcommand("follow", "entries as they are published, each verified");
  add_log_options(*follow_command, *options);
  follow_command->add_option("--saved", options->saved, "go on from this checkpoint, not from now")
      ->type_name("FILE");
  follow_command->add_option("--save", options->save, "keep each checkpoint that was verified")
      ->type_name("FILE");
  follow_command->add_option("--count", *count, "end after so many publications");
  examples(*follow_command,
           {"tradewind audit follow", "tradewind audit follow --saved seen --save seen"});
  follow_command->callback([&context, options, count] {
    with_log(context, *options, [&](AuditLog& log) { return follow(context, log, *count); });
  });

  auto* stats_command = audit->add_subcommand(
      "stats", "by site: won, lost and why, refused after quoting, paid against quoted");
  add_log_options(*stats_command, *options);
  examples(*stats_command, {"tradewind audit stats"});
  stats_command->callback([&context, options] {
    with_log(context, *options, [&](AuditLog& log) { return stats(context, log); });
  });
}

}  // namespace tradewind::cli
