#include "shop_stage.h"

#include <sstream>
#include <utility>

namespace tradewind::simulation {

Result<std::unique_ptr<Stage>> ShopStage::make(std::string_view options) {
  auto shop = std::make_unique<ShopStage>();
  std::istringstream words{std::string(options)};
  for (std::string word; words >> word;) {
    if (word == "careful") {
      shop->careful_ = true;
    } else if (word.rfind("clerks=", 0) != 0 && word.rfind("seed=", 0) != 0) {
      return fail(ErrorCode::invalid, "", '"' + word + "\" is no option");
    }
  }
  return std::unique_ptr<Stage>(std::move(shop));
}

Status ShopStage::apply(std::string_view command) {
  if (command == "open") {
    closes_ = now_ + 60 * kSecond;
    told_.push_back("door.opens");
  } else if (command == "close") {
    closes_.reset();
    told_.push_back("door.closes");
  } else if (command.rfind("say ", 0) == 0) {
    told_.emplace_back(command.substr(4));
  } else if (command.rfind("sell", 0) == 0) {
    if (!closes_ && careful_) return ok();
    told_.push_back("sold " + std::string(command.substr(4)));
    if (violation_) return ok();
    if (!closes_) violation_ = "at " + std::to_string(now_ / kSecond) + " s: I2: sold while closed";
    if (command.find("heavy") != std::string_view::npos) violation_ = "I3: too heavy";
  } else {
    return fail(ErrorCode::invalid, "", '"' + std::string(command) + "\" is no command");
  }
  return ok();
}

void ShopStage::advance(Micros span) {
  now_ += span;
  if (!closes_ || *closes_ > now_) return;
  closes_.reset();
  told_.push_back("door.closes");
}

void ShopStage::finish() {
  told_.push_back("holiday");
}

std::vector<std::string> ShopStage::told() {
  return std::exchange(told_, {});
}

}  // namespace tradewind::simulation
