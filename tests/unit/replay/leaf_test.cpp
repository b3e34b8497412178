// What leaves say, and what they must never say.
#include "broker/audit/leaf.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>
#include <string>
#include <variant>

#include "broker/audit/json_read.h"
#include "broker/audit/spec_text.h"
#include "broker/jobs/event.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/transparency/limits.h"
#include "tests/unit/routing/sample_market.h"
#include "tests/unit/schemas/samples.h"

namespace tradewind {
namespace {

const LeafWriter writer("tradewind:example", "not guessable");

// Calls `visit` with an entry of each kind, filled at random.
template <std::size_t kind = 0, class Visit>
void each_kind(testing::Sampler& sampler, const Visit& visit) {
  using Body = decltype(Entry::body);
  if constexpr (kind < std::variant_size_v<Body>) {
    Entry entry;
    entry.at = sample::now;
    sampler.fill(entry.body.emplace<kind>());
    visit(entry);
    each_kind<kind + 1>(sampler, visit);
  }
}

TEST(Leaf, HasTheNameThatLogsAndMetricsGiveTheEvent) {
  testing::Sampler sampler(1);
  each_kind(sampler, [&](const Entry& entry) {
    const auto keys = leaf_keys(writer.write(Sequence{1}, entry).event);
    ASSERT_TRUE(keys) << describe(keys.error());
    EXPECT_EQ(keys->type, "org.tradewind." + std::string(event_name(entry)));
  });
}

TEST(Leaf, IsACloudEventWithinBoundsWhateverTheEntry) {
  std::set<std::string> types;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    testing::Sampler sampler(seed);
    each_kind(sampler, [&](const Entry& entry) {
      const Leaf leaf = writer.write(Sequence{seed}, entry);
      ASSERT_LE(leaf.event.size(), limits::leaf_bytes_max);
      const auto event = read_json("leaf", leaf.event);
      ASSERT_TRUE(event) << describe(event.error()) << '\n' << leaf.event;
      const json::object& members = event->get_object();
      EXPECT_EQ(members.at("specversion").as_string(), "1.0");
      EXPECT_EQ(members.at("id").as_string(), std::to_string(seed - 1));
      EXPECT_EQ(members.at("source").as_string(), "tradewind:example");
      EXPECT_NE(members.contains("data"), members.contains("dataref"));
      EXPECT_EQ(leaf.data.has_value(), members.contains("dataref"));
      for (const auto& [name, value] : members) {
        for (const char each : std::string_view(name.data(), name.size())) {
          EXPECT_TRUE((each >= 'a' && each <= 'z') || (each >= '0' && each <= '9')) << name;
        }
      }
      const auto keys = leaf_keys(leaf.event);
      ASSERT_TRUE(keys) << describe(keys.error());
      EXPECT_EQ(keys->recorded, entry.at);
      EXPECT_EQ(leaf.keys, *keys) << leaf.event;
      types.insert(keys->type);
      EXPECT_EQ(writer.write(Sequence{seed}, entry).event, leaf.event);
    });
  }
  EXPECT_EQ(types.size(), std::variant_size_v<decltype(Entry::body)>) << "a type for each kind";
}

TEST(Leaf, TellsNothingOfWhatIsPrivate) {
  JobSpec spec = sample::job();
  spec.name = spec.description = "SECRET";
  spec.tags = {{"SECRET", "SECRET"}};
  spec.volumes = {"/SECRET"};
  Executor executor;
  executor.image = "SECRET";
  executor.command = {"SECRET"};
  executor.env = {{"SECRET", "SECRET"}};
  spec.variants[0].name = "SECRET";
  spec.variants[0].executors = {executor};
  Input input;
  input.name = input.description = input.sha256 = input.dataset = "SECRET";
  input.path = "/SECRET";
  input.replicas = {{"https://SECRET", "aa-north-1", "aa-north"}};
  input.size_bytes = 7;
  spec.inputs = {input};
  input.content = "SECRET";
  spec.inputs.push_back(input);
  Output output;
  output.name = output.description = output.path = output.url = output.path_prefix = "SECRET";
  spec.outputs = {output};
  spec.tes_resources = "SECRET";
  const Entry entry{sample::now, JobSubmitted{JobId{"j0000000000005"}, TenantId{"secret-tenant"},
                                              "SECRET", "SECRET", spec, std::nullopt, "00-1-2-3"}};
  const Leaf leaf = writer.write(Sequence{5}, entry);
  EXPECT_EQ(leaf.event.find("SECRET"), Bytes::npos) << leaf.event;
  EXPECT_EQ(leaf.event.find("secret-tenant"), Bytes::npos);
  EXPECT_NE(leaf.event.find("aa-north-1"), Bytes::npos)
      << "where data lies is what routing rests on";
  EXPECT_NE(leaf.event.find(R"("traceparent":"00-1-2-3")"), Bytes::npos);

  // The opening shows it all, and is what the leaf commits to.
  const auto opening = writer.opening(Sequence{5}, entry);
  ASSERT_TRUE(opening);
  const json::value told = json::parse(*opening);
  const json::value event = json::parse(leaf.event);
  const json::object& commitments = event.at("data").at("commitments").as_object();
  EXPECT_EQ(commitments.size(), 3U);
  for (const auto& [name, commitment] : commitments) {
    const json::value& one = told.at("openings").at(name);
    const Bytes salt = *hex_decode("salt", std::string(one.at("salt").as_string().c_str()));
    const std::string value(one.at("value").as_string().c_str());
    EXPECT_EQ(hex(sha256(salt + value)), std::string(commitment.as_string().c_str()));
  }
  EXPECT_EQ(told.at("openings").at("tenant").at("value").as_string(), "\"secret-tenant\"");
}

TEST(Leaf, CommitsToTheSameValueOtherwiseEachTimeButKnowsATenantByOneName) {
  const Entry entry{
      sample::now,
      JobSubmitted{JobId{"j0000000000005"}, TenantId{"physics"}, "alice", {}, sample::job()}};
  const json::value first = json::parse(writer.write(Sequence{5}, entry).event);
  const json::value second = json::parse(writer.write(Sequence{6}, entry).event);
  EXPECT_NE(first.at("data").at("commitments").at("tenant"),
            second.at("data").at("commitments").at("tenant"));
  EXPECT_EQ(first.at("tenant"), second.at("tenant"));
  const LeafWriter other("tradewind:example", "another secret");
  EXPECT_NE(other.pseudonym(TenantId{"physics"}), writer.pseudonym(TenantId{"physics"}));
}

TEST(Leaf, KeepsLargeDataBesideTheLog) {
  JobSpec spec = sample::job();
  Input input;
  input.path = "/data";
  input.size_bytes = 1'000;
  input.replicas = {{"https://example.org/data", "", "aa-north"},
                    {"file:///data", "aa-north-1", ""}};
  spec.inputs.assign(limits::inputs_max, input);
  const Entry entry{sample::now,
                    JobSubmitted{JobId{"j0000000000005"}, TenantId{"physics"}, "alice", {}, spec}};
  const Leaf leaf = writer.write(Sequence{5}, entry);
  ASSERT_TRUE(leaf.data);
  EXPECT_LE(leaf.event.size(), limits::leaf_bytes_max);
  const json::value event = json::parse(leaf.event);
  EXPECT_EQ(std::string(event.at("datasha256").as_string().c_str()), hex(sha256(*leaf.data)));
  EXPECT_EQ(std::string(event.at("dataref").as_string().c_str()),
            "/v1/audit/data/" + hex(sha256(*leaf.data)));
}

TEST(Leaf, IsFoundByWhatItSpeaksOf) {
  const Entry refused{
      sample::now,
      AttemptRefused{{JobId{"j0000000000005-00007"}, 2}, RefusalCode::no_capacity, "x"}};
  const auto keys = leaf_keys(writer.write(Sequence{9}, refused).event);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->job, "j0000000000005-00007");
  EXPECT_EQ(keys->reason, "no_capacity");
  EXPECT_EQ(keys->type, "org.tradewind.attempt.refused");
  EXPECT_FALSE(leaf_keys("{}"));
  EXPECT_FALSE(leaf_keys("no JSON"));
}

TEST(SpecText, ReadsBackToAJobThatIsWrittenAndRoutedAlike) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    testing::Sampler sampler(seed);
    JobSubmitted submission;
    sampler.fill(submission);
    if (submission.spec.variants.empty()) continue;
    const auto text = [](const JobSpec& spec) {
      JsonText out;
      out.open();
      write(out, "spec", spec);
      out.close();
      return out.take();
    };
    const auto read = [](const std::string& written) {
      const auto document = read_json("spec", written);
      EXPECT_TRUE(document);
      std::optional<Error> error;
      JobSpec spec = read_spec(*JsonMembers(document->get_object(), error).object("spec"));
      EXPECT_FALSE(error) << describe(*error);
      return spec;
    };
    // The sampler's texts are any bytes; those of jobs are UTF-8, as the first reading makes them.
    const JobSpec spec = read(text(submission.spec));
    const JobSpec again = read(text(spec));
    EXPECT_TRUE(again == spec) << seed;
    EXPECT_TRUE(again.resources == submission.spec.resources) << seed;
    EXPECT_TRUE(again.value_per_hour == submission.spec.value_per_hour) << seed;
    EXPECT_EQ(again.inputs.size(), submission.spec.inputs.size());
    EXPECT_TRUE(again.constraints.deadline == submission.spec.constraints.deadline) << seed;
    EXPECT_TRUE(again.constraints.cost_max == submission.spec.constraints.cost_max) << seed;
  }
}

}  // namespace
}  // namespace tradewind
