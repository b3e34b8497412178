// Warnings that are told when they are news.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

namespace tradewind {

class Warnings {
 public:
  // `tell` may be empty.
  explicit Warnings(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}
  // Unless it is what was told last about this.
  void tell(const std::string& about, const std::string& text) {
    if (std::exchange(told_[about], text) == text) return;
    if (tell_) tell_(text);
  }
  void clear(const std::string& about) { told_.erase(about); }

 private:
  std::function<void(const std::string&)> tell_;
  std::map<std::string, std::string> told_;
};

}  // namespace tradewind
