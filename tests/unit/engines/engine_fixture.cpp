#include "tests/unit/engines/engine_fixture.h"

#include <fstream>
#include <sstream>
#include <thread>

namespace tradewind::test {

int processes_with(const std::string& text) {
  int count = 0;
  std::error_code problem;
  for (std::filesystem::directory_iterator each("/proc", problem), end; !problem && each != end;
       each.increment(problem)) {
    if (each->path().filename().string().find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    std::ifstream file(each->path() / "cmdline");
    std::ostringstream arguments;
    arguments << file.rdbuf();
    if (arguments.str().find(text) != std::string::npos) ++count;
  }
  return count;
}

bool comes(const std::function<bool()>& holds) {
  for (int round = 0; round < 3'000; ++round) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace tradewind::test
