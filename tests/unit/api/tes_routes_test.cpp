// The operations of GA4GH TES 1.1. docs/tes.md names the rule that each test holds.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/api/tes_fixture.h"

namespace tradewind::testing {
namespace {

TEST_F(TesTest, CancelTakesAnyBodyAndAnswersAnEmptyObject) {  // rule 8
  const auto cancel = [&](const JobId& id, std::string_view body, std::string_view headers) {
    return call("POST", std::string(kBase) + "/" + id.value + ":cancel", alice, body, headers);
  };
  const std::pair<const char*, const char*> bodies[] = {
      {"", ""},
      {"", "Content-Type: application/json\r\n"},
      {"{}", "Content-Type: application/json\r\n"}};
  for (const auto& [body, headers] : bodies) {
    const JobId id = create();
    const RawResponse response = cancel(id, body, headers);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "{}\n");
    EXPECT_EQ(state_of(id), "CANCELED");
  }
  // Without any length at all.
  const JobId bare = create();
  RawClient client(endpoint_->port());
  client.send("POST " + std::string(kBase) + "/" + bare.value +
              ":cancel HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + alice + "\r\n\r\n");
  EXPECT_EQ(client.read().body, "{}\n");
  // A finished task stays what it is.
  const JobId done = create();
  place(done, JobState::succeeded, {ended(1, "alpha-1", EndCode::succeeded, {0})});
  const std::size_t calls = service.calls().size();
  EXPECT_EQ(cancel(done, "", "").body, "{}\n");
  EXPECT_EQ(service.calls().size(), calls);
  EXPECT_EQ(state_of(done), "COMPLETE");
  EXPECT_EQ(cancel(JobId{"j000000000zzzz"}, "", "").status, 404);
  EXPECT_EQ(cancel(JobId{"nonsense"}, "", "").status, 404);
}

TEST_F(TesTest, ServesThePrefixesThatClientsTry) {  // rule 9
  const JobId id = create();
  for (const std::string prefix : {"/ga4gh/tes/v1", "/v1", ""}) {
    EXPECT_EQ(get(prefix + "/service-info", alice).status, 200) << prefix;
    EXPECT_EQ(get(prefix + "/tasks", alice).status, 200) << prefix;
    EXPECT_EQ(get(prefix + "/tasks/" + id.value, alice).status, 200) << prefix;
    EXPECT_EQ(post(prefix + "/tasks", alice, kSmall).status, 200) << prefix;
    EXPECT_EQ(post(prefix + "/tasks/" + id.value + ":cancel", alice).status, 200) << prefix;
  }
}

TEST_F(TesTest, ListsByPagesNewestFirstWithAnExactEnd) {  // rule 15
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(create().value);
  create(kSmall, bob);
  const auto page = [&](const std::string& query) {
    const json::value value = parsed(get(std::string(kBase) + "?" + query, alice));
    std::string text;
    for (const auto& each : value.at("tasks").as_array()) {
      const std::string id = text_of(each.at("id"));
      text += std::to_string(std::find(ids.begin(), ids.end(), id) - ids.begin());
    }
    return text + " " + at(value, "/next_page_token");
  };
  EXPECT_EQ(page(""), "3210 (absent)");
  EXPECT_EQ(page("page_size=2"), "32 " + ids[2]);
  EXPECT_EQ(page("page_size=2&page_token=" + ids[2]), "10 (absent)");
  EXPECT_EQ(page("page_size=4"), "3210 (absent)");
  EXPECT_EQ(page("page_size=0"), "3210 (absent)");
  EXPECT_EQ(page("page_size=2048"), "3210 (absent)");
  EXPECT_EQ(page("page_size=99999999999999999999999"), "3210 (absent)");
  EXPECT_EQ(page("page_size=&page_token=&state=&view=&name_prefix="), "3210 (absent)");
  for (const char* query : {"page_size=-1", "page_size=x", "page_size=1.5", "page_token=next",
                            "view=ALL", "view=minimal", "state=DONE", "state=queued"}) {
    const RawResponse response = get(std::string(kBase) + "?" + query, alice);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(at(parsed(response), "/code"), "400");
    EXPECT_NE(at(parsed(response), "/error"), "(absent)");
  }
  EXPECT_EQ(get(std::string(kBase) + "/" + ids[0] + "?view=ALL", alice).status, 400);
}

TEST_F(TesTest, FiltersByNameStateAndTags) {  // rule 15
  const auto make = [&](const char* name, const char* tags) {
    return create(std::string(R"({"executors":[{"image":"i","command":["x"]}],"name":")") + name +
                  R"(","tags":)" + tags + "}");
  };
  make("a.b", R"({"foo":"bar"})");
  make("axb", R"({"foo":"bar","baz":"bat"})");
  const JobId third = make("c", R"({"foo":""})");
  make("d", "{}");
  place(third, JobState::running, {attempt(1, AttemptState::running, "alpha-1")});
  const auto names = [&](const std::string& query) {
    const json::value value = parsed(get(std::string(kBase) + "?view=BASIC&" + query, alice));
    std::string text;
    for (const auto& each : value.at("tasks").as_array()) text += text_of(each.at("name")) + " ";
    return text;
  };
  EXPECT_EQ(names("name_prefix=a."), "a.b ") << "literal, no pattern";
  EXPECT_EQ(names("name_prefix=a"), "axb a.b ");
  EXPECT_EQ(names("state=RUNNING"), "c ");
  EXPECT_EQ(names("state=PREEMPTED"), "");
  EXPECT_EQ(names("tag_key=foo&tag_value=bar"), "axb a.b ");
  EXPECT_EQ(names("tag_key=foo"), "c axb a.b ");
  EXPECT_EQ(names("tag_key=foo&tag_value="), "c axb a.b ");
  EXPECT_EQ(names("tag_key=foo&tag_value=bar&tag_key=baz&tag_value=bat"), "axb ");
  EXPECT_EQ(names("tag_key=foo&tag_key=baz&tag_value=&tag_value=bat"), "axb ");
  EXPECT_EQ(names("tag_key=foo&tag_value=b"), "");
  EXPECT_EQ(names("tag_key=foo&tag_value=bar&page_size=1"), "axb ");
}

TEST_F(TesTest, MinimalIsAnsweredFromMemoryOnAConnectionOfItsOwn) {  // rule 19
  const JobId id = create();
  service.hold_submissions(true);  // the broker's thread is busy: no reply would come
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(get(std::string(kBase) + "/" + id.value, alice).status, 200);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  service.hold_submissions(false);
}

TEST_F(TesTest, CredentialsComeAsBearerOrBasicAndForeignTasksAreHidden) {  // rule 21
  const JobId id = create();
  const std::string target = std::string(kBase) + "/" + id.value;
  EXPECT_EQ(get(target, bob).status, 404);
  EXPECT_EQ(get(target, "").status, 401);
  EXPECT_EQ(parsed(get(kBase, bob)).at("tasks").as_array().size(), 0U);
  const RawResponse anonymous = call("GET", kBase, "", "", "Authorization: Basic Og==\r\n");
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_TRUE(anonymous.headers.contains("www-authenticate"));
  EXPECT_EQ(at(parsed(anonymous), "/code"), "401");
}

TEST_F(TesTest, ServiceInfoIsWhatStrictClientsExpect) {  // rules 1, 17, 20 and 22
  endpoint_->stop();
  options_.contact_url = "https://example.org/contact";
  options_.documentation_url = "https://example.org/docs";
  start();
  const json::value info = parsed(get("/ga4gh/tes/v1/service-info", ""));
  const std::set<std::string> members = {"id",
                                         "name",
                                         "type",
                                         "description",
                                         "organization",
                                         "contactUrl",
                                         "documentationUrl",
                                         "version",
                                         "storage",
                                         "tesResources_backend_parameters"};
  for (const auto& each : info.as_object()) {
    EXPECT_TRUE(members.contains(std::string(each.key()))) << each.key();
  }
  EXPECT_EQ(at(info, "/type"), R"({"group":"org.ga4gh","artifact":"tes","version":"1.1.0"})");
  EXPECT_EQ(at(info, "/storage/0"), "file:///");
  EXPECT_EQ(at(info, "/contactUrl"), "https://example.org/contact");
  for (const char* each : {"id", "name", "organization", "version"}) {
    EXPECT_TRUE(info.as_object().contains(each));
  }
  std::set<std::string> keys;
  for (const auto& each : info.at("tesResources_backend_parameters").as_array()) {
    keys.insert(text_of(each));
  }
  EXPECT_EQ(keys, (std::set<std::string>{"accelerator", "architecture", "currency", "data_region",
                                         "deadline", "idempotency_key", "max_cost", "max_runtime_s",
                                         "network", "priority"}));
}

TEST_F(TesTest, ErrorsAreJsonWithTheStatusOfTheirKind) {  // rule 23
  const std::tuple<ErrorCode, int> cases[] = {
      {ErrorCode::conflict, 409}, {ErrorCode::exhausted, 429}, {ErrorCode::unavailable, 503}};
  for (const auto& [code, status] : cases) {
    service.refuse_with(Error{code, "", "why", "what to do"});
    const RawResponse response = post(kBase, alice, kSmall);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(at(parsed(response), "/error"), "why; what to do");
    EXPECT_EQ(response.headers.at("content-type"), "application/json");
    EXPECT_EQ(response.headers.contains("retry-after"), status != 409);
  }
  service.refuse_with(std::nullopt);
  EXPECT_EQ(post(kBase, centre, kSmall).status, 403);
  EXPECT_EQ(post(kBase, alice, std::string(300'000, ' ')).status, 413);
  EXPECT_EQ(at(parsed(get("/ga4gh/tes/v1/nothing", alice)), "/code"), "404");
  EXPECT_EQ(call("DELETE", kBase, alice).status, 405);
}

}  // namespace
}  // namespace tradewind::testing
