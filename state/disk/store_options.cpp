#include "state/disk/store_options.h"

#include <rocksdb/env.h>

#include <cstdarg>
#include <memory>

namespace tradewind {
namespace {

// The store's own log, kept nowhere. As a file it would end the process by an assertion of the
// library when the disk is full; what matters comes back as a status.
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

rocksdb::Options store_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  // A half-written batch at the very end was never acknowledged and is dropped; anything else that
  // does not read back is an error. The default would silently drop all that follows it.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_bgerror_resume_count = 0;
  // By default each table of the store has sixteen threads begun for it, to open a file or two.
  options.max_file_opening_threads = 1;
  options.fail_if_options_file_error = true;
  options.info_log = std::make_shared<NoLog>();
  return options;
}

}  // namespace tradewind
