// The least federation that a story can be told of: a shop. `open`, `close`, `sell [THING]
// [to=WHO]`; the door also closes by itself a minute after it was opened. It violates I2 to sell
// while closed, and I3 to sell anything heavy at all.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/stage.h"

namespace tradewind::simulation {

class ShopStage final : public Stage {
 public:
  // Options: `clerks=1` to 9, `seed=N`, `careful`: sells nothing while closed.
  static Result<std::unique_ptr<Stage>> make(std::string_view options);

  Status apply(std::string_view command) override;
  void advance(Micros span) override;
  void finish() override;
  std::vector<std::string> told() override;
  std::optional<std::string> violation() const override { return violation_; }

 private:
  Micros now_ = 0;
  std::optional<Micros> closes_;
  bool careful_ = false;
  std::vector<std::string> told_;
  std::optional<std::string> violation_;
};

}  // namespace tradewind::simulation
