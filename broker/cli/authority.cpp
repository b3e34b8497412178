// Commands about what a federation is built on: its trust records, and the keys that they name.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>

#include "broker/cli/context.h"
#include "state/identity/authority.h"
#include "state/identity/certificates.h"
#include "state/identity/encoding.h"
#include "state/identity/stored_file.h"
#include "state/identity/trust_files.h"

namespace tradewind::cli {
namespace {

struct Options {
  std::string directory;
  std::string federation;
  std::size_t roots = 3;
  std::size_t threshold = 2;
  std::size_t next_threshold = 0;  // of a draft; 0: as before
  std::string add;
  std::string promote;
  std::string drop;
  std::vector<std::string> root_keys;  // hex
  int days = std::chrono::duration_cast<std::chrono::days>(trust_lifetime_default).count();
  std::string file;
  std::string key;
};

boost::json::object to_json(const SignedTrust& trust) {
  const TrustRecord& record = trust.record;
  boost::json::array roots;
  for (const Bytes& each : record.roots) {
    roots.push_back(
        boost::json::object{{"key", hex(each)}, {"signed", trust.signatures.contains(each)}});
  }
  boost::json::array issuers;
  for (const std::string& each : record.issuers) {
    const auto sha256 = certificate_sha256(each);
    const auto validity = certificate_validity(each);
    if (!sha256 || !validity) continue;  // a trust record holds certificates that can be read
    issuers.push_back(boost::json::object{{"certificate_sha256", hex(*sha256)},
                                          {"valid_until", to_rfc3339(validity->not_after)}});
  }
  boost::json::array registry_keys;
  for (const Bytes& each : record.registry_keys) registry_keys.emplace_back(hex(each));
  return {{"federation", record.federation.value},
          {"version", record.version},
          {"sha256", hex(trust_sha256(record))},
          {"issued", to_rfc3339(record.issued)},
          {"expires", to_rfc3339(record.expires)},
          {"threshold", record.threshold},
          {"roots", std::move(roots)},
          {"issuers", std::move(issuers)},
          {"registry_keys", std::move(registry_keys)}};
}

void print(const SignedTrust& trust) {
  const boost::json::value shown = to_json(trust);
  std::cout << fmt::format(
      "federation    {}\nversion       {}\nsha256        {}\nexpires       {}\nthreshold     {} of "
      "{} root keys\n",
      text(shown, "federation"), text(shown, "version"), text(shown, "sha256"),
      text(shown, "expires"), text(shown, "threshold"), trust.record.roots.size());
  for (const auto& each : items(shown, "roots")) {
    std::cout << fmt::format("root          {}{}\n", text(each, "key"),
                             text(each, "signed") == "true" ? "  signed" : "");
  }
  for (const auto& each : items(shown, "issuers")) {
    std::cout << fmt::format("issuer        {}  until {}\n", text(each, "certificate_sha256"),
                             text(each, "valid_until"));
  }
  for (const Bytes& each : trust.record.registry_keys) {
    std::cout << fmt::format("registry key  {}\n", hex(each));
  }
}

void add_init(CLI::App& ca, Context& context, const std::shared_ptr<Options>& options) {
  auto* init = ca.add_subcommand(
      "init", "make a new authority: root keys, the first trust record, and the keys it names");
  init->add_option("directory", options->directory, "where to put it; must not hold one yet")
      ->required();
  init->add_option("--federation", options->federation,
                   "the federation's name, such as north-alliance")
      ->required();
  init->add_option("--roots", options->roots, "how many root keys")
      ->check(CLI::Range(std::size_t{1}, trust_roots_max))
      ->capture_default_str();
  init->add_option("--threshold", options->threshold,
                   "how many of them must sign the next trust record")
      ->check(CLI::Range(std::size_t{1}, trust_roots_max))
      ->capture_default_str();
  examples(
      *init,
      {"tradewind ca init /srv/authority --federation north-alliance",
       "tradewind ca init /srv/authority --federation north-alliance --roots 3 --threshold 2"});
  init->callback([&context, options] {
    const auto made = CertificateAuthority::create(
        FederationId{options->federation}, system_now().wall, options->roots, options->threshold);
    if (!made) return context.report(made.error());
    if (const auto saved = made->save(options->directory); !saved)
      return context.report(saved.error());
    context.show(
        boost::json::object{{"directory", options->directory},
                            {"federation", options->federation},
                            {"trust_sha256", hex(trust_sha256(made->trust().newest()))}},
        [&] {
          std::cout << fmt::format(
              "made the authority of \"{}\" in {}\nkeep its *.key files secret: whoever holds them "
              "can admit anybody\nmove each of {}/roots/*.key to a place of its own, offline: {} "
              "of "
              "them replace every other key\n",
              options->federation, options->directory, options->directory, options->threshold);
        });
  });
}

void add_show(CLI::App& ca, Context& context, const std::shared_ptr<Options>& options) {
  auto* show = ca.add_subcommand("show", "a trust record: which keys the federation is built on");
  show->add_option("where", options->file,
                   "an authority's directory, for the record in force; or the file of one")
      ->required();
  examples(*show, {"tradewind ca show /srv/authority", "tradewind ca show 1.trust"});
  show->callback([&context, options] {
    const std::filesystem::path where = options->file;
    Result<SignedTrust> trust = fail(ErrorCode::internal, "", "not read");
    if (std::filesystem::is_directory(where)) {
      const auto chain = load_authority_trust(where);
      trust = chain ? Result<SignedTrust>(chain->all().back())
                    : Result<SignedTrust>(fail(chain.error()));
    } else {
      trust = load_trust_file(where);
    }
    if (!trust) return context.report(trust.error());
    context.show(to_json(*trust), [&] { print(*trust); });
  });
}

// The list with its second key first; with the first one only.
template <class T>
Status change(std::vector<T>& keys, bool promotes, const std::string& what) {
  if (keys.size() < 2) {
    return fail(ErrorCode::invalid, promotes ? "--promote" : "--drop",
                "the trust record names only one " + what,
                "add the next one first, and publish that");
  }
  if (promotes) {
    std::swap(keys[0], keys[1]);
  } else {
    keys.resize(1);
  }
  return ok();
}

// What the next record says, and the new keys, stored in the directory.
Result<TrustRecord> draft_of(const Options& options, const TrustRecord& last, Now now) {
  TrustRecord next = last;
  ++next.version;
  next.issued = std::chrono::floor<std::chrono::milliseconds>(now.wall);
  next.expires = next.issued + std::chrono::days(options.days);
  const std::filesystem::path directory = options.directory;
  if (!options.root_keys.empty()) {
    next.roots.clear();
    for (const std::string& each : options.root_keys) {
      auto key = hex_decode("--root", each);
      if (!key) return fail(key.error());
      next.roots.push_back(std::move(*key));
    }
    std::sort(next.roots.begin(), next.roots.end());
  }
  if (options.next_threshold > 0) {
    next.threshold = static_cast<std::uint32_t>(options.next_threshold);
  }
  for (const bool promotes : {true, false}) {
    const std::string& what = promotes ? options.promote : options.drop;
    if (what.empty()) continue;
    const Status changed = what == "issuer" ? change(next.issuers, promotes, what)
                                            : change(next.registry_keys, promotes, "registry key");
    if (!changed) return fail(changed.error());
  }
  if (!options.add.empty()) {
    const bool issues = options.add == "issuer";
    const auto file =
        directory / fmt::format("{}-{}.key", issues ? "ca" : "registry", next.version);
    const auto key = SigningKey::load_or_generate(file);
    if (!key) return fail(key.error());
    if (issues) {
      next.issuers.push_back(make_issuer(next.federation, *key, now.wall));
    } else {
      next.registry_keys.push_back(key->public_key());
    }
  }
  return next;
}

void add_draft(CLI::App& ca, Context& context, const std::shared_ptr<Options>& options) {
  auto* draft = ca.add_subcommand(
      "draft", "write the next trust record, to be signed; without options the same for longer");
  draft->add_option("directory", options->directory, "the authority's")->required();
  const CLI::IsMember keys({"issuer", "registry"});
  draft->add_option("--add", options->add, "make a new key and name it as the next one")
      ->check(keys);
  draft
      ->add_option("--promote", options->promote,
                   "the next one issues or signs from now on; the former stays good")
      ->check(keys);
  draft->add_option("--drop", options->drop, "only the first one stays good")->check(keys);
  draft->add_option("--root", options->root_keys,
                    "public keys of all root keys from now on, from: tradewind ca root");
  draft->add_option("--threshold", options->next_threshold, "how many of them must sign");
  draft->add_option("--days", options->days, "how long it is good")
      ->check(CLI::Range(1, 3'650))
      ->capture_default_str();
  examples(*draft, {"tradewind ca draft /srv/authority --add registry",
                    "tradewind ca draft /srv/authority --promote registry --days 180"});
  draft->callback([&context, options] {
    const auto folder = std::filesystem::path(options->directory) / trust_folder;
    const auto chain = load_authority_trust(options->directory);
    if (!chain) return context.report(chain.error());
    const auto next = draft_of(*options, chain->newest(), system_now());
    if (!next) return context.report(next.error());
    if (const auto body = trust_body(*next); !body) return context.report(body.error());
    const auto file = folder / fmt::format("{}.draft", next->version);
    const auto stored = store_file(file, to_text({*next, {}}), public_mode);
    if (!stored) return context.report(stored.error());
    context.show(boost::json::object{{"file", file.string()}, {"version", next->version}}, [&] {
      std::cout << fmt::format(
          "{}\nhave it signed with {} root keys of version {}{}: tradewind ca sign {} KEY\n"
          "then: tradewind ca publish {}\n",
          file.string(), chain->newest().threshold, chain->newest().version,
          next->roots == chain->newest().roots && next->threshold <= chain->newest().threshold
              ? ""
              : fmt::format(" and {} of its own", next->threshold),
          file.string(), options->directory);
    });
  });
}

void add_sign(CLI::App& ca, Context& context, const std::shared_ptr<Options>& options) {
  auto* sign = ca.add_subcommand(
      "sign", "sign a draft with a root key; needs nothing else, so do it where the key is");
  sign->add_option("draft", options->file, "the draft, which gets the signature")->required();
  sign->add_option("key", options->key, "the root key's file")->required();
  examples(*sign, {"tradewind ca sign 2.draft root-1.key"});
  sign->callback([&context, options] {
    auto trust = load_trust_file(options->file);
    if (!trust) return context.report(trust.error());
    const auto key = SigningKey::load(options->key);
    if (!key) return context.report(key.error());
    sign_trust(*trust, *key);
    const auto stored = store_file(options->file, to_text(*trust), public_mode);
    if (!stored) return context.report(stored.error());
    context.show(to_json(*trust), [&] { print(*trust); });
  });
}

void add_publish(CLI::App& ca, Context& context, const std::shared_ptr<Options>& options) {
  auto* publish = ca.add_subcommand(
      "publish", "put the signed draft in force; a running broker takes it within seconds");
  publish->add_option("directory", options->directory, "the authority's")->required();
  examples(*publish, {"tradewind ca publish /srv/authority"});
  publish->callback([&context, options] {
    const std::filesystem::path directory = options->directory;
    auto chain = load_authority_trust(directory);
    if (!chain) return context.report(chain.error());
    const auto draft =
        directory / trust_folder / fmt::format("{}.draft", chain->newest().version + 1);
    auto trust = load_trust_file(draft);
    if (!trust) return context.report(trust.error());
    if (const auto next = chain->extend(std::move(*trust)); !next)
      return context.report(next.error());
    if (const auto fresh = chain->check_fresh(system_now().wall); !fresh)
      return context.report(fresh.error());
    // A broker could not go on with keys that it does not have.
    if (const auto usable = CertificateAuthority::load_with(directory, *chain); !usable)
      return context.report(usable.error());
    if (const auto saved = save_trust(directory / trust_folder, *chain); !saved)
      return context.report(saved.error());
    std::error_code ignored;  // it is of no use any more
    std::filesystem::remove(draft, ignored);
    context.show(to_json(chain->all().back()), [&] { print(chain->all().back()); });
  });
}

void add_root(CLI::App& ca, Context& context, const std::shared_ptr<Options>& options) {
  auto* root = ca.add_subcommand("root", "print a root key's public key; makes the key if need be");
  root->add_option("key", options->key, "the root key's file")->required();
  examples(*root, {"tradewind ca root root-2.key"});
  root->callback([&context, options] {
    const auto key = SigningKey::load_or_generate(options->key);
    if (!key) return context.report(key.error());
    context.show(boost::json::object{{"key", hex(key->public_key())}},
                 [&] { std::cout << hex(key->public_key()) << '\n'; });
  });
}

}  // namespace

void add_authority_commands(CLI::App& app, Context& context) {
  auto* ca = app.add_subcommand("ca", "the federation's root keys, authority and registry key");
  ca->require_subcommand(1);
  examples(*ca, {"tradewind ca init /srv/authority --federation north-alliance",
                 "tradewind ca show /srv/authority"});
  const auto options = std::make_shared<Options>();
  add_init(*ca, context, options);
  add_show(*ca, context, options);
  add_draft(*ca, context, options);
  add_sign(*ca, context, options);
  add_publish(*ca, context, options);
  add_root(*ca, context, options);
}

}  // namespace tradewind::cli
