#include "tests/simulation/network.h"

#include <algorithm>

namespace tradewind::simulation {
namespace {

constexpr std::size_t kRemembered = 256;  // of each node's records, and of all else

bool is_record(const Message& message) {
  return message.told.event == "quote" || message.told.event == "site" ||
         message.told.event == "member";
}

}  // namespace

void Network::send(Message message) {
  const std::string line = message.line();
  Random random = dice(options_.seed, line, ++counts_[line]);
  if (calm_) {
    deliver(message, random.between(1, 20) * kMillisecond);
    return;
  }
  remember(message);
  const auto once = take_once(message);
  // Each is drawn whatever the others say, so that a message keeps its fate.
  const bool lost = random.chance(options_.loss_ppm);
  const bool doubled = random.chance(options_.duplicate_ppm);
  if (is_cut(message) || lost || (once && once->what == Once::What::lose)) {
    if (!is_record(message)) scheduler_.trace("lost " + line);
    return;
  }
  const int copies = doubled || (once && once->what == Once::What::repeat) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Micros delay = random.between(kMillisecond, options_.delay_max);
    if (random.chance(options_.slow_ppm)) delay += random.between(0, options_.slow_max);
    if (message.told.event == "dispatch" && random.chance(options_.held_dispatch_ppm)) {
      delay += random.between(0, 300 * kSecond);
    }
    if (once && once->what == Once::What::hold) delay += once->span;
    deliver(message, delay);
  }
}

void Network::deliver(const Message& message, Micros delay) {
  scheduler_.after(delay, message.deliver);
}

bool Network::is_cut(const Message& message) const {
  if (cut_.empty()) return false;
  return cut_.count({message.from, message.to}) != 0 || cut_.count({message.from, ""}) != 0 ||
         cut_.count({"", message.to}) != 0;
}

void Network::heal(const std::string& one, const std::string& other) {
  std::erase_if(cut_, [&](const auto& each) {
    const auto& [from, to] = each;
    if (other.empty()) return from == one || to == one;
    return (from == one && to == other) || (from == other && to == one);
  });
}

std::optional<Network::Once> Network::take_once(const Message& message) {
  const auto found = std::find_if(once_.begin(), once_.end(), [&](const Once& each) {
    return each.event == message.told.event && (each.from.empty() || each.from == message.from);
  });
  if (found == once_.end()) return std::nullopt;
  Once once = std::move(*found);
  once_.erase(found);
  return once;
}

void Network::remember(const Message& message) {
  std::deque<Message>& sent = sent_[{message.to, is_record(message)}];
  if (sent.size() == kRemembered) sent.pop_front();
  sent.push_back(message);
}

void Network::replay(const std::string& to) {
  for (const bool records : {false, true}) {
    for (const Message& each : sent_[{to, records}]) {
      Random random = dice(options_.seed, "again " + each.line());
      deliver(each, random.between(kMillisecond, 2 * kSecond));
    }
  }
}

void Network::calm() {
  calm_ = true;
  cut_.clear();
  once_.clear();
  sent_.clear();
}

}  // namespace tradewind::simulation
