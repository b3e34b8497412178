// The document of the API, the routes, and the check that all tests here hold answers against.
#include "broker/api/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "broker/api/api.h"
#include "tests/unit/api/endpoint_fixture.h"
#include "tests/unit/api/openapi_check.h"

namespace tradewind::testing {
namespace {

class OpenApiTest : public EndpointTest {};

TEST_F(OpenApiTest, EverybodyMayReadTheDocument) {
  const RawResponse response = get("/openapi.json", "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  EXPECT_EQ(response.body, openapi_document());
  EXPECT_EQ(at(parsed(response), "/openapi"), "3.0.3");
}

TEST_F(OpenApiTest, TheDocumentHasExactlyTheRoutes) {
  auto authenticator = Authenticator::open(Authenticator::Options{{}, true});
  ASSERT_TRUE(authenticator.has_value());
  const auto api =
      std::make_shared<Api>(EndpointOptions{}, service, nullptr, std::move(*authenticator),
                            std::make_shared<const HttpCounters>());
  std::vector<std::pair<std::string, std::string>> routes;
  for (const Route& each : api->routes()) {
    routes.emplace_back(each.method,
                        std::regex_replace(each.pattern, std::regex(R"(\.\.\.\})"), "}"));
  }
  EXPECT_THAT(documented_operations(), ::testing::UnorderedElementsAreArray(routes));
}

TEST_F(OpenApiTest, TheDocumentSaysWhatNeedsNoCredentials) {
  const json::value document = json::parse(openapi_document());
  auto authenticator = Authenticator::open(Authenticator::Options{{}, true});
  ASSERT_TRUE(authenticator.has_value());
  const auto api =
      std::make_shared<Api>(EndpointOptions{}, service, nullptr, std::move(*authenticator),
                            std::make_shared<const HttpCounters>());
  for (const Route& each : api->routes()) {
    const std::string base[] = {"/ga4gh/tes/v1", "/v1", ""};
    std::string path =
        each.face == Face::tes ? each.pattern.substr(base[each.prefix].size()) : each.pattern;
    path = std::regex_replace(path, std::regex(R"(\.\.\.\})"), "}");
    std::string method = each.method;
    std::ranges::transform(method, method.begin(), ::tolower);
    const json::object& operation = document.at("paths").at(path).at(method).as_object();
    EXPECT_EQ(operation.contains("security"), each.verb == Verb::open) << method << path;
  }
}

std::string fault(const char* schema, const char* value) {
  static const json::value document = json::parse(R"({"components": {"schemas": {
    "Base": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
    "None": {"type": "object", "nullable": true, "properties": {}}}}})");
  return schema_fault(json::parse(schema), json::parse(value), document);
}

TEST(SchemaCheck, FindsWhatIsWrong) {
  EXPECT_EQ(fault(R"({"type": "integer", "minimum": 1})", "1"), "");
  EXPECT_NE(fault(R"({"type": "integer", "minimum": 1})", "0"), "");
  EXPECT_NE(fault(R"({"type": "integer"})", "1.5"), "");
  EXPECT_NE(fault(R"({"type": "string"})", "null"), "");
  EXPECT_NE(fault(R"({"type": "string", "enum": ["a"]})", "\"b\""), "");
  EXPECT_NE(fault(R"({"type": "string", "pattern": "^a$"})", "\"ab\""), "");
  EXPECT_NE(fault(R"({"type": "string", "format": "date-time"})", "\"now\""), "");
  EXPECT_NE(fault(R"({"type": "array", "items": {"type": "boolean"}})", "[true, 1]"), "");
  EXPECT_EQ(fault(R"({"$ref": "#/components/schemas/Base"})", R"({"a": 1})"), "");
  EXPECT_NE(fault(R"({"$ref": "#/components/schemas/Base"})", "{}"), "");
  EXPECT_NE(fault(R"({"$ref": "#/components/schemas/Base"})", R"({"a": 1, "b": 1})"), "");
  EXPECT_EQ(fault(R"({"$ref": "#/components/schemas/None"})", "null"), "");
  const char* both = R"({"allOf": [{"$ref": "#/components/schemas/Base"},
                         {"type": "object", "properties": {"b": {"type": "integer"}}}]})";
  EXPECT_EQ(fault(both, R"({"a": 1, "b": 1})"), "");
  EXPECT_NE(fault(both, R"({"a": 1, "b": "1"})"), "");
  EXPECT_NE(fault(both, R"({"a": 1, "c": 1})"), "");
  const char* either = R"({"anyOf": [{"type": "integer"}, {"type": "string"}]})";
  EXPECT_EQ(fault(either, "\"a\""), "");
  EXPECT_NE(fault(either, "true"), "");
  EXPECT_THROW(fault(R"({"type": "integer", "multipleOf": 2})", "1"), std::invalid_argument);
}

}  // namespace
}  // namespace tradewind::testing
