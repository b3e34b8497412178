#include "schemas/architecture.h"

#include <gtest/gtest.h>

#include <set>

#include "schemas/decision.h"
#include "schemas/dispatch.h"
#include "schemas/journal.h"
#include "schemas/record.h"
#include "schemas/site.h"

namespace tradewind {
namespace {

TEST(Architecture, ReadsBackEveryName) {
  for (std::uint16_t i = 0; i < architectures_count; ++i) {
    const auto architecture = static_cast<Architecture>(i);
    EXPECT_EQ(parse_architecture("architecture", to_string(architecture)), architecture);
  }
  for (std::uint16_t i = 0; i < interconnects_count; ++i) {
    const auto interconnect = static_cast<Interconnect>(i);
    EXPECT_EQ(parse_interconnect("interconnect", to_string(interconnect)), interconnect);
  }
}

TEST(Architecture, KnowsTheKernelsNames) {
  EXPECT_EQ(parse_architecture("", "x86_64"), Architecture::amd64);
  EXPECT_EQ(parse_architecture("", "aarch64"), Architecture::arm64);
  EXPECT_EQ(parse_architecture("", "loongarch64"), Architecture::loong64);
}

TEST(Architecture, RefusesOthersNamingFieldAndRemedy) {
  for (const char* text : {"", "AMD64", "amd64 ", "i386", "sparc"}) {
    const auto result = parse_architecture("variants[0].architectures", text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().field, "variants[0].architectures");
    EXPECT_NE(result.error().remedy.find("riscv64"), std::string::npos);
  }
  EXPECT_FALSE(parse_interconnect("", "token-ring"));
}

// A table of names that is a name short shows as a missing or doubled one.
template <class Enum>
void expect_distinct_names(std::uint16_t count) {
  std::set<std::string_view> names;
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::string_view name = to_string(static_cast<Enum>(i));
    EXPECT_FALSE(name.empty()) << i;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(Names, AreDistinctWithinEachEnum) {
  expect_distinct_names<Architecture>(architectures_count);
  expect_distinct_names<Interconnect>(interconnects_count);
  expect_distinct_names<RecordKind>(record_kinds_count);
  expect_distinct_names<MemberState>(member_states_count);
  expect_distinct_names<MemberCause>(member_causes_count);
  expect_distinct_names<SiteState>(site_states_count);
  expect_distinct_names<ReasonCode>(reason_codes_count);
  expect_distinct_names<RefusalCode>(refusal_codes_count);
  expect_distinct_names<EndCode>(end_codes_count);
  expect_distinct_names<JobState>(job_states_count);
  expect_distinct_names<AttemptState>(attempt_states_count);
}

TEST(Errors, SayFieldMessageAndRemedyLeavingOutWhatIsEmpty) {
  EXPECT_EQ(describe(Error{ErrorCode::invalid, "cpus", "-1 is negative", "give 1 or more"}),
            "cpus: -1 is negative; give 1 or more");
  EXPECT_EQ(describe(Error{ErrorCode::internal, "", "lost", ""}), "lost");
}

}  // namespace
}  // namespace tradewind
