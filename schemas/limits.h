// Bounds of the protocol and of documents, each with its unit and reason. A limit hit is an error
// that names it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tradewind::limits {

using namespace std::chrono_literals;

// Documents from users.
inline constexpr std::size_t job_document_bytes_max = 256 * 1024;
inline constexpr std::uint32_t array_tasks_max = 100'000;  // five digits in a task's id
inline constexpr std::size_t variants_max = 16;
inline constexpr std::size_t executors_max = 64;
inline constexpr std::size_t inputs_max = 1'024;
inline constexpr std::size_t outputs_max = 1'024;
inline constexpr std::size_t replicas_max = 16;
inline constexpr std::size_t input_content_bytes_max = 128 * 1024;  // TES asks for at least this
inline constexpr std::size_t text_bytes_max = 4 * 1024;  // names, URLs, paths, descriptions
inline constexpr std::size_t map_entries_max = 128;      // tags, labels, env
inline constexpr std::size_t list_entries_max = 256;     // constraint lists
inline constexpr std::uint32_t nodes_per_job_max = 4'096;
inline constexpr std::uint64_t seconds_max = 366ULL * 24 * 3600;  // any stated duration
inline constexpr std::uint64_t run_seconds_default =
    3'600;  // when neither work nor duration nor limit is stated
inline constexpr std::uint32_t attempts_per_job_max = 100;
inline constexpr std::size_t after_max = 64;         // jobs that one waits for to succeed
inline constexpr std::size_t datasets_max = 20'000;  // in a federation; all are kept in memory
inline constexpr std::size_t budgets_max = 20'000;  // tenants that have one; all are in memory
inline constexpr std::size_t datasets_per_tenant_max = 2'000;
// What data sets may put into one job, replicas and residency, so that its entry and its dispatch
// stay within their bounds.
inline constexpr std::size_t dataset_fill_bytes_max = 128 * 1024;

// Records from members.
inline constexpr std::size_t site_record_bytes_max = 64 * 1024;
inline constexpr std::size_t quote_sheet_bytes_max = 16 * 1024;
inline constexpr std::size_t member_record_bytes_max = 2 * 1024;
inline constexpr std::size_t equivocation_bytes_max = 2 * site_record_bytes_max + 1024;
inline constexpr std::size_t log_key_bytes_max = 512;   // in a member record
inline constexpr std::size_t renewal_id_bytes = 16;     // random, so none comes twice
inline constexpr std::size_t recoveries_kept_max = 16;  // of a site
inline constexpr std::size_t trust_record_bytes_max =
    64 * 1024;  // 16 keys and certificates of each
inline constexpr std::size_t sites_max = 10'000;
inline constexpr std::size_t brokers_max = 256;  // that a site serves; it keeps a term of each
inline constexpr std::size_t pools_per_site_max = 64;
inline constexpr std::size_t network_rows_max = 512;
inline constexpr std::size_t contracts_per_site_max = 64;  // each may stand in a quote sheet
inline constexpr std::size_t measured_regions_max = 64;    // in a site record
inline constexpr std::size_t holdings_per_site_max = 256;  // 4 KiB of a site record
inline constexpr auto clock_skew_max = 5s;       // a record from further in the future is dropped
inline constexpr auto quote_validity = 15s;      // what a site publishes
inline constexpr auto quote_validity_max = 60s;  // what a receiver believes
inline constexpr auto site_validity_max = 31 * 24h;     // of a site record, likewise
inline constexpr auto member_validity_max = 400 * 24h;  // of a member record, likewise
inline constexpr auto publish_interval_max = 5s;        // a quote sheet at least this often
inline constexpr auto publish_interval_min = 1s;        // and at most this often;
inline constexpr std::uint32_t publish_burst = 3;       // but so many in a row,
inline constexpr auto publish_gap = 250ms;              // so far apart, when units became free
static_assert(quote_validity >= 3 * publish_interval_max, "outlives two missed publications");
static_assert(quote_validity_max >= quote_validity + clock_skew_max);

// What is believed of a record's numbers; a record beyond them is refused whole.
// Of one hour, gigabyte or attempt.
inline constexpr std::int64_t price_micros_max = 1'000'000'000'000'000;
inline constexpr std::int64_t price_ppm_max = 1'000'000'000;            // a thousandfold
inline constexpr std::int64_t performance_ppm_max = 1'000'000'000'000;  // a millionfold
inline constexpr std::uint32_t pool_nodes_max = 1'000'000;
inline constexpr std::uint32_t node_cpus_max = 1'000'000;
inline constexpr std::uint64_t node_mib_max = 1'000'000'000'000;  // of memory or of disk
inline constexpr std::uint32_t node_accelerators_max = 65'536;
inline constexpr std::uint64_t bandwidth_mbit_max = 1'000'000'000;
inline constexpr std::uint32_t rtt_ms_max = 10'000;
inline constexpr std::uint32_t carbon_g_kwh_max = 100'000;
inline constexpr std::uint32_t unit_watts_max = 1'000'000;

// Messages on links.
inline constexpr std::size_t frame_bytes_max = 1024 * 1024;
inline constexpr std::size_t log_chunk_bytes_max = 256 * 1024;
inline constexpr std::size_t log_tail_bytes_max = 16 * 1024;  // kept in the journal of each stream
// A request to a witness: a proof of 63 hashes in base64, and a checkpoint of at most 128 KiB with
// its signatures. An answer is a signature line, a size or an error.
inline constexpr std::size_t cosign_request_bytes_max = 132 * 1024;
inline constexpr std::size_t cosign_answer_bytes_max = 8 * 1024;
inline constexpr int decode_nesting_max = 16;
inline constexpr std::size_t renew_attempts_max = 4'096;  // in one RenewLeases
inline constexpr std::size_t digests_max = 32'768;        // in one syn: every kind of every site
inline constexpr std::size_t report_files_max = 16'384;   // inputs, and outputs, in one end report
inline constexpr std::size_t report_lines_max = 4'096;    // of the system log in one end report
inline constexpr std::size_t report_text_bytes_max = 64 * 1024;  // a path, URL or line of it

// The rate table.
inline constexpr std::size_t rates_max = 256;  // currencies; ISO 4217 has fewer
inline constexpr std::int64_t rate_ppm_max = 1'000'000'000'000'000;  // a thousand million for one

// The broker's and the gateways' own stores. A job's record may hold every attempt with a report
// that filled a frame.
inline constexpr std::size_t entry_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t job_record_bytes_max = 128 * 1024 * 1024;

// Attempts.
inline constexpr std::uint32_t lease_seconds_default = 60;
// A gateway takes a dispatch only while the quote sheet that it names is at most this much past its
// valid-until, on its own steady clock: a dispatch that a network held back longer starts nothing.
inline constexpr auto dispatch_grace = 15s;
// Hence a dispatch takes effect at most this long after it was sent, or never. A broker that
// declares an attempt lost by time counts on it, and on the same bound for renewals.
inline constexpr auto message_delay_max = 30s;
static_assert(message_delay_max >= quote_validity + dispatch_grace);
inline constexpr std::size_t runners_up_max = 8;
inline constexpr std::size_t rejections_max = 64;
inline constexpr std::size_t refused_attempts_kept = 16;
inline constexpr std::size_t exclusions_per_job_max = 64;  // sites
// Jobs in one clearing that the broker makes and its journal tells of; with all their exclusions
// they fit into an entry.
inline constexpr std::size_t jobs_cleared_max = 256;
static_assert(job_record_bytes_max >=
                  entry_bytes_max + attempts_per_job_max * (frame_bytes_max + 64 * 1024),
              "a job at its limits can be read back");

}  // namespace tradewind::limits
