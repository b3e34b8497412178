// Who shares what sites keep, and who can tell of it.
#include "broker/core/holding_labels.h"

#include <gtest/gtest.h>

#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

const TenantId kTenantAlpha{"alpha"};
const TenantId kTenantBeta{"beta"};
const std::string kDigest(64, 'a');

class HoldingLabelsTest : public ::testing::Test {
 protected:
  void put_dataset(const TenantId& owner) {
    Dataset dataset;
    dataset.name = "genome";
    dataset.replicas = {Replica{"https://data.example/genome", "", ""}};
    dataset.sha256 = kDigest;
    dataset.shared_with_all = true;
    ASSERT_TRUE(datasets_.put(dataset, DatasetActor{owner, "someone", false}, sample::now));
  }
  HoldingLabel label(const Input& input, const TenantId& tenant, const char* secret = "secret") {
    JobSpec spec = sample::job();
    spec.inputs = {input};
    EXPECT_TRUE(datasets_.bind(spec, tenant));
    HoldingLabels(secret).put(spec, tenant, datasets_);
    return spec.inputs[0].holding;
  }
  static Input of_url() {
    Input input;
    input.replicas = {Replica{"https://data.example/genome", "", ""}};
    input.sha256 = kDigest;
    return input;
  }
  static Input of_dataset() {
    Input input;
    input.dataset = "genome";
    return input;
  }

  Datasets datasets_;
};

TEST_F(HoldingLabelsTest, ATenantsInputsShareALabelWithNobodyElse) {
  const HoldingLabel own = label(of_url(), kTenantAlpha);
  EXPECT_FALSE(own.none());
  EXPECT_EQ(own, label(of_url(), kTenantAlpha));
  EXPECT_NE(own, label(of_url(), kTenantBeta));
  Input other = of_url();
  other.sha256[0] = 'b';
  EXPECT_NE(own, label(other, kTenantAlpha));
}

TEST_F(HoldingLabelsTest, AllWhoMayReadADataSetShareIts) {
  put_dataset(kTenantAlpha);
  const HoldingLabel shared = label(of_dataset(), kTenantAlpha);
  EXPECT_EQ(shared, label(of_dataset(), kTenantBeta));
  EXPECT_NE(shared, label(of_url(), kTenantAlpha))
      << "who states its digest and URL has not named it";
}

TEST_F(HoldingLabelsTest, ANameThatAnotherTakesLaterIsAnotherDataSet) {
  put_dataset(kTenantAlpha);
  const HoldingLabel before = label(of_dataset(), kTenantBeta);
  ASSERT_TRUE(
      datasets_.remove("genome", DatasetActor{kTenantAlpha, "someone", false}, sample::now));
  put_dataset(kTenantBeta);
  EXPECT_NE(before, label(of_dataset(), kTenantBeta));
}

TEST_F(HoldingLabelsTest, OnlyTheBrokerCanTellWhatALabelStandsFor) {
  EXPECT_NE(label(of_url(), kTenantAlpha), label(of_url(), kTenantAlpha, "another's"));
  EXPECT_TRUE(label(of_url(), kTenantAlpha, "").none());
}

TEST_F(HoldingLabelsTest, WithoutADigestThereIsNone) {
  Input input = of_url();
  input.sha256.clear();
  EXPECT_TRUE(label(input, kTenantAlpha).none());
  input = of_url();
  input.content = "inline";
  EXPECT_TRUE(label(input, kTenantAlpha).none());
}

}  // namespace
}  // namespace tradewind
