// `tradewind-broker`: takes jobs at the one endpoint, routes them, follows them, keeps the journal.
// What it is made of is wired here, in order: authority, keys, journal, core, the transparency log,
// endpoint.
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "broker/api/endpoint.h"
#include "broker/api/open_files.h"
#include "broker/audit/entry_feed.h"
#include "broker/audit/log_publisher.h"
#include "broker/audit/witness_panel.h"
#include "broker/core/core.h"
#include "state/disk/disk_reserve.h"
#include "state/identity/authority.h"
#include "state/identity/stored_file.h"
#include "state/identity/trust_files.h"
#include "state/journal/journal.h"
#include "state/transparency/limits.h"

namespace tradewind {
namespace {

// A dead connection is given up within this, so the rest of the delay bound is what a message may
// wait for one.
constexpr std::chrono::seconds link_silence_max{9};
// How often a later trust record is looked for.
constexpr std::chrono::seconds trust_interval{1};
// How long before its end, and how often, a trust record that expires is warned of.
constexpr std::chrono::days trust_warning{30};
constexpr std::chrono::hours warning_interval{24};
// Of the store, the links and the rest, beside the endpoint's connections.
constexpr std::uint64_t files_beside_connections = 4'096;

struct Options {
  std::filesystem::path directory;
  std::filesystem::path authority;
  std::string name = "main";
  std::string listen = "127.0.0.1:8642";
  std::string link = "tcp://127.0.0.1:0";
  std::string link_advertise;
  std::filesystem::path tokens;
  std::filesystem::path oidc;
  std::uint32_t tenant_rate = EndpointOptions{}.tenant_rate;
  std::uint32_t wrong_credentials_per_minute = EndpointOptions{}.wrong_credentials_per_minute;
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  bool open = false;
  unsigned threads = 2;
  std::uint32_t drain_seconds = 3;
  std::uint32_t lease_seconds = limits::lease_seconds_default;
  std::uint32_t skew_seconds = std::chrono::seconds(limits::clock_skew_max).count();
  std::uint32_t delay_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(limits::message_delay_max).count();
  std::int64_t tolerance_ppm = 0;
  std::uint32_t spare_units = 0;
  UnderLoad under_load;
  std::string log_origin;
  std::filesystem::path witness_policy;
  bool witness_require = false;
  std::uint32_t witness_timeout_ms = 1'000;
  std::uint32_t disk_reserve_mib = DiskReserve::mib_default;
  std::uint32_t certificate_seconds =
      std::chrono::seconds(RegistryOptions{}.certificate_lifetime).count();
  std::size_t recovery_max = RegistryOptions{}.recovery_max;
  std::filesystem::path ready_file;
  std::filesystem::path log_file;
  std::string log_level = "info";
};

// "127.0.0.1:8642" or "[::1]:8642".
Result<std::pair<std::string, std::uint16_t>> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  const auto bad = [&] {
    return fail(ErrorCode::invalid, "--listen", "\"" + text + "\" is no address with a port",
                "write 127.0.0.1:8642 or [::1]:8642; port 0 takes a free one");
  };
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return bad();
  std::string host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  int port = 0;
  for (const char each : text.substr(colon + 1)) {
    if (each < '0' || each > '9') return bad();
    port = port * 10 + (each - '0');
    if (port > 65'535) return bad();
  }
  return std::pair{host, static_cast<std::uint16_t>(port)};
}

// To end, and to look at what may have changed on disk.
sigset_t signals_waited_for() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  return signals;
}

Status write_ready_file(const std::filesystem::path& file, const std::string& text) {
  if (file.empty()) return ok();
  const std::filesystem::path draft = file.string() + ".new";
  {
    std::ofstream stream(draft);
    stream << text << '\n';
    if (!stream.flush()) {
      return fail(ErrorCode::unavailable, "--ready-file",
                  "\"" + file.string() + "\" cannot be written",
                  "give a path in a folder that can be written");
    }
  }
  std::filesystem::rename(draft, file);
  return ok();
}

// As many files as the endpoint's connections need; fewer connections where that cannot be had.
void make_room_for_connections(HttpLimits& limits) {
  const std::uint64_t wanted = limits.connections_max + files_beside_connections;
  const std::uint64_t allowed = raise_open_files(wanted);
  if (allowed >= wanted) return;
  limits.connections_max = allowed - std::min(files_beside_connections, allowed / 2);
  spdlog::warn(
      "files.limit_low allowed={} wanted={}: at most {} connections are taken; raise the limit of "
      "open files (LimitNOFILE of systemd, ulimit -n)",
      allowed, wanted, limits.connections_max);
}

// The name of the transparency log and of its key.
Result<std::string> log_origin(const Options& options, const FederationId& federation) {
  const std::string origin = options.log_origin.empty()
                                 ? "tradewind.federation/" + federation.value + "/log"
                                 : options.log_origin;
  if (is_key_name(origin)) return origin;
  return fail(ErrorCode::invalid, "--log-origin", "\"" + origin + "\" is no name for a log",
              "give the log's URL without its scheme, with no space and no '+' in it");
}

// None without a policy.
Result<std::unique_ptr<WitnessPanel>> make_panel(const Options& options, WitnessPanel::Send send) {
  if (options.witness_policy.empty()) return std::unique_ptr<WitnessPanel>();
  const auto text = load_file(options.witness_policy, limits::policy_bytes_max);
  if (!text) return fail(text.error());
  auto policy = parse_policy(*text);
  if (!policy) return fail(policy.error());
  return WitnessPanel::create(
      std::move(*policy), std::chrono::milliseconds(options.witness_timeout_ms), std::move(send));
}

// Looks for later trust records in the authority's directory, and at when the newest expires.
class TrustWatch {
 public:
  TrustWatch(std::filesystem::path directory, std::shared_ptr<const CertificateAuthority> authority)
      : directory_(std::move(directory)), authority_(std::move(authority)) {}

  // Tells the core when there is one.
  void look(Core& core) {
    const std::uint64_t version = authority_->trust().newest().version;
    if (std::filesystem::exists(trust_file(directory_ / trust_folder, version + 1))) {
      auto loaded = CertificateAuthority::load(directory_);
      if (loaded && loaded->federation() == authority_->federation() &&
          loaded->trust().newest().version > version) {
        authority_ = std::make_shared<const CertificateAuthority>(std::move(*loaded));
        core.set_authority(authority_);
      } else {
        complain(loaded ? "is not of this federation" : describe(loaded.error()));
      }
    }
    warn(system_now());
  }

 private:
  // Once for each thing that is wrong.
  void complain(const std::string& what) {
    if (complaint_ == what) return;
    complaint_ = what;
    spdlog::error("trust.refused {}", what);
  }
  void warn(Now now) {
    const auto expires = authority_->trust().newest().expires;
    if (expires - now.wall > trust_warning || (warned_ && now.mono - *warned_ < warning_interval)) {
      return;
    }
    warned_ = now.mono;
    spdlog::warn("trust.expires_soon version={} expires={}", authority_->trust().newest().version,
                 to_rfc3339(expires));
  }

  std::filesystem::path directory_;
  std::shared_ptr<const CertificateAuthority> authority_;
  std::string complaint_;
  std::optional<Mono::time_point> warned_;
};

Status run(const Options& options) {
  if (auto named = check_name("--name", options.name); !named) return named;
  const auto listen = parse_listen(options.listen);
  if (!listen) return fail(listen.error());
  std::error_code made;
  std::filesystem::create_directories(options.directory, made);
  if (made) {
    return fail(ErrorCode::unavailable, "--dir",
                "\"" + options.directory.string() + "\": " + made.message(),
                "give a folder that can be written");
  }
  auto loaded = CertificateAuthority::load(options.authority);
  if (!loaded) return fail(loaded.error());
  const auto authority = std::make_shared<const CertificateAuthority>(std::move(*loaded));
  const auto identity = SigningKey::load_or_generate(options.directory / "identity.key");
  if (!identity) return fail(identity.error());
  const auto curve_keys = CurveKeys::load_or_generate(options.directory / "curve.key");
  if (!curve_keys) return fail(curve_keys.error());
  const auto origin = log_origin(options, authority->federation());
  if (!origin) return fail(origin.error());
  const auto log_key = SigningKey::load_or_generate(options.directory / "log.key");
  if (!log_key) return fail(log_key.error());
  const auto journal = Journal::open(options.directory / "journal");
  if (!journal) return fail(journal.error());
  auto secret = leaf_secret(**journal);
  if (!secret) return fail(secret.error());

  const VerifierKey log_verifier_key{*origin, KeyType::ed25519, log_key->public_key()};

  CoreOptions core_options;
  core_options.self = broker_node(options.name);
  core_options.lifecycle.lease_seconds = options.lease_seconds;
  core_options.lifecycle.skew_bound = std::chrono::seconds(options.skew_seconds);
  core_options.lifecycle.delay_bound = std::chrono::seconds(options.delay_seconds);
  // A short lease wants a broker that notices silence as soon.
  core_options.lifecycle.ask_interval = std::min<std::chrono::milliseconds>(
      core_options.lifecycle.ask_interval,
      std::chrono::milliseconds(options.lease_seconds * 1000ULL / 3));
  core_options.route.tolerance_ppm = options.tolerance_ppm;
  core_options.route.spare_units = options.spare_units;
  core_options.under_load = options.under_load;
  core_options.link_bind = options.link;
  core_options.link_message_age_max = std::min<std::chrono::milliseconds>(
      core_options.link_message_age_max, core_options.lifecycle.delay_bound - link_silence_max);
  core_options.link_advertise = options.link_advertise;
  core_options.registry.certificate_lifetime = std::chrono::seconds(options.certificate_seconds);
  core_options.registry.recovery_max = options.recovery_max;
  core_options.label_secret = *secret;
  core_options.log_key = format_verifier_key(log_verifier_key);
  core_options.disk.emplace([&options] { return free_bytes(options.directory); },
                            options.disk_reserve_mib);
  EntryFeed feed;
  core_options.on_committed = [&feed](Sequence first, std::vector<Entry> entries,
                                      std::size_t bytes) {
    feed.put(first, std::move(entries), bytes);
  };
  Core* asks = nullptr;  // for cosignatures; there before anybody gathers any
  const auto panel =
      make_panel(options, [&asks](const SiteId& site, Bytes body, std::uint64_t request) {
        asks->ask_to_cosign(site, CosignCheckpoint{request, std::move(body)});
      });
  if (!panel) return fail(panel.error());
  if (*panel) {
    core_options.on_cosigned = [&panel](const SiteId& site, const CosignAnswer& answer) {
      (*panel)->answer(site, answer.request, answer.status, answer.body);
    };
  }
  auto core = Core::start(core_options, **journal, authority, *identity, *curve_keys);
  if (!core) return fail(core.error());
  asks = core->get();

  const LeafWriter leaves("//tradewind.federation/" + (*core)->federation().value,
                          std::move(*secret));
  auto writer = LogWriter::recover(
      *origin, **journal,
      [&leaves](Sequence sequence, const Entry& entry) { return leaves.write(sequence, entry); },
      *log_key, LogWriteLimits{}, &feed);
  if (!writer) return fail(writer.error());
  PublishedLog log(**journal, (*journal)->log(), leaves, log_verifier_key);
  LogPublisherOptions publishing;
  publishing.require_quorum = options.witness_require;
  const auto publisher = LogPublisher::start(publishing, std::move(*writer), log, panel->get());

  EndpointOptions endpoint_options;
  endpoint_options.address = listen->first;
  endpoint_options.port = listen->second;
  endpoint_options.tls_certificate = options.tls_certificate;
  endpoint_options.tls_key = options.tls_key;
  endpoint_options.open = options.open;
  endpoint_options.tokens_file = options.tokens;
  endpoint_options.oidc_file = options.oidc;
  endpoint_options.tenant_rate = options.tenant_rate;
  endpoint_options.wrong_credentials_per_minute = options.wrong_credentials_per_minute;
  endpoint_options.threads = options.threads;
  endpoint_options.http.drain_timeout = std::chrono::seconds(options.drain_seconds);
  make_room_for_connections(endpoint_options.http);
  endpoint_options.version = TRADEWIND_VERSION;
  auto endpoint = start_endpoint(endpoint_options, **core, &log);
  if (!endpoint) return fail(endpoint.error());
  spdlog::info("broker.ready url={} link={} log={}", (*endpoint)->url(), (*core)->link_endpoint(),
               format_verifier_key(log.key()));
  if (auto told = write_ready_file(options.ready_file, (*endpoint)->url()); !told) return told;

  const sigset_t signals = signals_waited_for();
  const timespec interval{trust_interval.count(), 0};
  int received = -1;
  TrustWatch trust(options.authority, authority);
  do {
    trust.look(**core);
    received = sigtimedwait(&signals, nullptr, &interval);
    if (received == SIGHUP) (*endpoint)->look_at_certificate();
  } while (received < 0 || received == SIGHUP);
  spdlog::info("broker.stopping signal={}", received);
  (*endpoint)->stop();
  publisher->stop();  // while the core can still ask witnesses
  (*core)->stop();
  return ok();
}

}  // namespace
}  // namespace tradewind

int main(int argc, char** argv) {
  using namespace tradewind;
  // Every thread that is started later inherits the mask, so the signals come to sigwait alone.
  const sigset_t signals = signals_waited_for();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  Options options;
  CLI::App app{"Takes jobs at one endpoint and routes each to the cheapest adequate site."};
  app.set_version_flag("--version", "tradewind-broker " TRADEWIND_VERSION);
  app.require_subcommand(1);
  auto* run_command = app.add_subcommand("run", "serve until SIGTERM");
  run_command->add_option("--dir", options.directory, "keys and journal; made when it is not there")
      ->required();
  run_command
      ->add_option("--ca", options.authority, "the federation's authority, from: tradewind ca init")
      ->required();
  run_command->add_option("--name", options.name, "this broker's name in the federation")
      ->capture_default_str();
  run_command
      ->add_option("--listen", options.listen,
                   "address of the endpoint; HTTPS is required off loopback")
      ->capture_default_str();
  run_command->add_option("--link", options.link, "where gateways connect to")
      ->capture_default_str();
  run_command->add_option("--link-advertise", options.link_advertise,
                          "what gateways are told to connect to, when it differs from --link");
  run_command->add_option("--tokens", options.tokens, "tokens file, from: tradewind token issue");
  run_command->add_option("--oidc", options.oidc,
                          "whose tokens count besides those: an OpenID Connect issuer, see "
                          "docs/operating.md");
  run_command
      ->add_option("--tenant-rate", options.tenant_rate,
                   "requests and jobs a second of each tenant; twice as many at once; 0: no limit")
      ->capture_default_str();
  run_command
      ->add_option("--wrong-credentials-per-minute", options.wrong_credentials_per_minute,
                   "from one address, before it is not listened to; 0: no limit")
      ->capture_default_str();
  run_command->add_option("--tls-certificate", options.tls_certificate,
                          "PEM chain of the endpoint");
  run_command->add_option("--tls-key", options.tls_key, "PEM key of the endpoint");
  run_command->add_flag(
      "--open", options.open,
      "requests without credentials act as the tenant \"default\"; loopback only");
  run_command->add_option("--threads", options.threads, "HTTP threads")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  run_command
      ->add_option("--drain-seconds", options.drain_seconds,
                   "on SIGTERM, how long clients that hold connections open may take to send a "
                   "last request on them")
      ->check(CLI::Range(0, 3'600))
      ->capture_default_str();
  run_command
      ->add_option("--lease-seconds", options.lease_seconds,
                   "how long an attempt may run without hearing from the broker")
      ->check(CLI::Range(2, 86'400))
      ->capture_default_str();
  run_command
      ->add_option("--skew-seconds", options.skew_seconds,
                   "bound on the difference of clocks over a lease")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  run_command
      ->add_option("--delay-seconds", options.delay_seconds, "bound on the delay of a message")
      ->check(CLI::Range(10, 3'600))
      ->capture_default_str();
  run_command
      ->add_option("--tolerance-ppm", options.tolerance_ppm,
                   "spread jobs over sites at most this far above the least cost")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  run_command
      ->add_option("--spare-units", options.spare_units,
                   "free units wanted at a site beyond the need")
      ->capture_default_str();
  run_command
      ->add_option("--load-tolerance-ppm", options.under_load.tolerance_ppm,
                   "the tolerance where the cheapest site has refused a job in the last minute")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  run_command
      ->add_option("--load-spare-units", options.under_load.spare_units,
                   "the free units wanted beyond the need there, as long as that leaves a place")
      ->capture_default_str();
  run_command
      ->add_option("--certificate-seconds", options.certificate_seconds,
                   "life of a site's certificate; it renews from half of it on")
      ->check(CLI::Range(5, 86'400 * 398))
      ->capture_default_str();
  run_command
      ->add_option("--recovery-max", options.recovery_max,
                   "how often in 30 days a site may come back by itself after its certificate has "
                   "expired")
      ->check(CLI::Range(std::size_t{0}, limits::recoveries_kept_max))
      ->capture_default_str();
  run_command->add_option("--log-origin", options.log_origin,
                          "name of the transparency log, its URL without the scheme; by default\n"
                          "tradewind.federation/FEDERATION/log; fixed once the log has begun");
  auto* witness_policy = run_command->add_option(
      "--witness-policy", options.witness_policy,
      "whose cosignatures the log's checkpoints need; lines from: tradewind-gateway witness-key");
  run_command
      ->add_flag("--witness-require", options.witness_require,
                 "publish no checkpoint before its quorum has cosigned")
      ->needs(witness_policy);
  run_command
      ->add_option("--witness-timeout-ms", options.witness_timeout_ms,
                   "how long the witnesses are waited for")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  run_command
      ->add_option("--disk-reserve-mib", options.disk_reserve_mib,
                   "take nothing new while less than this is free on the disk of --dir")
      ->check(CLI::Range(0U, DiskReserve::mib_max))
      ->capture_default_str();
  run_command->add_option("--ready-file", options.ready_file,
                          "written with the URL once it serves");
  run_command->add_option("--log-file", options.log_file,
                          "append the log here instead of standard error");
  run_command->add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  try {
    spdlog::set_default_logger(options.log_file.empty()
                                   ? spdlog::stderr_logger_mt("broker")
                                   : spdlog::basic_logger_mt("broker", options.log_file.string()));
  } catch (const spdlog::spdlog_ex& error) {
    std::cerr << "tradewind-broker: --log-file: " << error.what() << '\n';
    return 1;
  }
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::flush_on(spdlog::level::info);

  const Status status = run(options);
  if (status) return 0;
  spdlog::error("broker.failed {}", describe(status.error()));
  std::cerr << "tradewind-broker: " << describe(status.error()) << '\n';
  return 1;
}
