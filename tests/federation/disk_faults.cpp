// Preloaded into a broker or a gateway: fails it at a chosen one of its calls that change a disk.
//
//   LD_PRELOAD=…/disk_faults.so TRADEWIND_DISK_FAULT="kill 17"
//   TRADEWIND_DISK_PROGRAM=tradewind-broker
//
// Calls are counted from 1 over all threads, in the named program alone and not in its children:
// writes to regular files, syncs, renames, truncations and removals. At the one with the number,
// and nowhere else:
//   kill     the process dies before the call
//   torn     half of the bytes are written, then the process dies; not of a sector in its place,
//   which disks write whole eio      the call fails with EIO; writes and syncs of the store alone
//   are counted enospc   the call fails with ENOSPC; likewise
// strace can inject the same, but counts each thread by itself: the writes of a thread that writes
// little would be reached only behind those of a thread that writes much.
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t sector_bytes = 512;

enum class Fault { none, kill, torn, eio, enospc };

Fault fault = Fault::none;
unsigned long wanted = 0;
pid_t process = 0;
std::atomic<unsigned long> calls{0};

[[gnu::constructor]] void begin() {
  const char* const program = std::getenv("TRADEWIND_DISK_PROGRAM");
  const char* const text = std::getenv("TRADEWIND_DISK_FAULT");
  if (program == nullptr || text == nullptr) return;
  if (std::strcmp(program, program_invocation_short_name) != 0) return;
  unsetenv("LD_PRELOAD");
  char word[16] = "";
  if (std::sscanf(text, "%15s %lu", word, &wanted) != 2) return;
  if (std::strcmp(word, "kill") == 0) fault = Fault::kill;
  if (std::strcmp(word, "torn") == 0) fault = Fault::torn;
  if (std::strcmp(word, "eio") == 0) fault = Fault::eio;
  if (std::strcmp(word, "enospc") == 0) fault = Fault::enospc;
  process = getpid();
}

bool kills() {
  return fault == Fault::kill || fault == Fault::torn;
}

[[noreturn]] void die() {
  kill(process, SIGKILL);
  for (;;) pause();
}

// Whether this call is the one that fails, with errno set. Does not come back from one that kills.
bool fails(bool can_tear = false) {
  if (fault == Fault::none || getpid() != process || ++calls != wanted) return false;
  if (fault == Fault::torn && can_tear) return true;
  if (kills()) die();
  errno = fault == Fault::eio ? EIO : ENOSPC;
  return true;
}

// Whether a write to it, or its sync, is to be counted.
bool counts(int descriptor) {
  struct stat found{};
  if (fault == Fault::none || fstat(descriptor, &found) != 0) return false;
  if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) return false;
  if (kills()) return true;
  char link[32] = "";
  char path[4'096] = "";
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  return length > 0 &&
         (std::strstr(path, "/store/") != nullptr || std::strstr(path, "/journal/") != nullptr);
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static auto* const real = next<ssize_t(int, const void*, size_t)>("write");
  if (counts(descriptor) && fails(true)) {
    if (fault != Fault::torn) return -1;
    if (real(descriptor, bytes, count / 2) < 0) abort();
    die();
  }
  return real(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  static auto* const real = next<ssize_t(int, const iovec*, int)>("writev");
  if (counts(descriptor) && fails()) return -1;
  return real(descriptor, parts, count);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  if (counts(descriptor) && fails(count > sector_bytes)) {
    if (fault != Fault::torn) return -1;
    if (real(descriptor, bytes, count / 2, at) < 0) abort();
    die();
  }
  return real(descriptor, bytes, count, at);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t at) {
  return pwrite64(descriptor, bytes, count, at);
}

int fsync(int descriptor) {
  static auto* const real = next<int(int)>("fsync");
  if (counts(descriptor) && fails()) return -1;
  return real(descriptor);
}

int fdatasync(int descriptor) {
  static auto* const real = next<int(int)>("fdatasync");
  if (counts(descriptor) && fails()) return -1;
  return real(descriptor);
}

int ftruncate64(int descriptor, off64_t size) noexcept {
  static auto* const real = next<int(int, off64_t)>("ftruncate64");
  if (kills() && counts(descriptor)) fails();
  return real(descriptor, size);
}

int ftruncate(int descriptor, off_t size) noexcept {
  return ftruncate64(descriptor, size);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real = next<int(const char*, const char*)>("rename");
  if (kills()) fails();
  return real(from, to);
}

int unlink(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("unlink");
  if (kills()) fails();
  return real(path);
}

}  // extern "C"
