#include "tests/unit/engines/engine_fixture.h"

#include <fstream>
#include <sstream>

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

}  // namespace tradewind::test
