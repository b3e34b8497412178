// Messages between nodes: lost, late, doubled, reordered, cut off, sent again long after.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/simulation/options.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/words.h"

namespace tradewind::simulation {

// A message on its way. What becomes of it hangs on its own words alone (random.h).
struct Message {
  std::string from;
  std::string to;
  Told told;
  std::function<void()> deliver;  // may be called twice
  std::string line() const {
    return told.event + ' ' + from + " -> " + to + (told.about.empty() ? "" : " ") + told.about;
  }
};

class Network {
 public:
  Network(Scheduler& scheduler, const SimulationOptions& options)
      : scheduler_(scheduler), options_(options) {}

  void send(Message message);

  // Messages of the first to the second are lost; no second: to anybody, and no first: of anybody.
  void cut(const std::string& from, const std::string& to) { cut_.insert({from, to}); }
  // Between the two, or of the first with anybody.
  void heal(const std::string& one, const std::string& other);

  // What happens once, to the next message of that name (of that sender, when given).
  struct Once {
    enum class What : std::uint8_t { lose, hold, repeat } what = What::lose;
    std::string event;
    std::string from;
    Micros span = 0;  // of hold
  };
  void once(Once once) { once_.push_back(std::move(once)); }
  // What was sent to the node, the newest few hundred of it, is sent again.
  void replay(const std::string& to);

  // From now on nothing is lost or late.
  void calm();

 private:
  bool is_cut(const Message& message) const;
  std::optional<Once> take_once(const Message& message);
  void deliver(const Message& message, Micros delay);
  void remember(const Message& message);

  Scheduler& scheduler_;
  const SimulationOptions& options_;
  bool calm_ = false;
  std::set<std::pair<std::string, std::string>> cut_;
  std::vector<Once> once_;
  std::unordered_map<std::string, std::uint64_t> counts_;  // how often each line was sent
  // By receiver, records and all else apart.
  std::map<std::pair<std::string, bool>, std::deque<Message>> sent_;
};

}  // namespace tradewind::simulation
