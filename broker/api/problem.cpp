#include "broker/api/problem.h"

namespace tradewind {
namespace {

std::string code_for(int status, const Error& error) {
  switch (status) {
    case 405: return "method_not_allowed";
    case 431: return "header_too_large";
    default: return std::string(to_string(error.code));
  }
}

json::object details(int status, const Error& error) {
  const std::string code = code_for(status, error);
  json::object body{{"type", "urn:tradewind:problem:" + code},
                    {"title", json::string(status_text(status))},
                    {"status", status},
                    {"detail", error.message},
                    {"code", code}};
  if (!error.field.empty()) body["field"] = error.field;
  if (!error.remedy.empty()) body["remedy"] = error.remedy;
  return body;
}

}  // namespace

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid: return 400;
    case ErrorCode::unauthenticated: return 401;
    case ErrorCode::forbidden: return 403;
    case ErrorCode::not_found: return 404;
    case ErrorCode::conflict: return 409;
    case ErrorCode::refused: return 409;
    case ErrorCode::too_large: return 413;
    case ErrorCode::exhausted: return 429;
    case ErrorCode::unavailable: return 503;
    case ErrorCode::maybe_delivered: return 504;
    case ErrorCode::corrupt:
    case ErrorCode::internal: return 500;
  }
  return 500;
}

json::object problem_details(const Error& error) {
  return details(http_status(error.code), error);
}

HttpResponse json_response(int status, const json::value& body) {
  HttpResponse response;
  response.status = status;
  response.body = to_text(body) + "\n";
  return response;
}

HttpResponse problem(Face face, int status, const Error& error) {
  HttpResponse response;
  response.status = status;
  if (face == Face::tes) {
    response.body = to_text(json::object{{"error", describe(error)}, {"code", status}}) + "\n";
  } else {
    response.content_type = "application/problem+json";
    response.body = to_text(details(status, error)) + "\n";
  }
  if (status == 401) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tradewind\"");
    response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"tradewind\"");
  }
  if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse problem(Face face, const Error& error) {
  return problem(face, http_status(error.code), error);
}

HttpResponse problem(const Error& error, const json::object& members) {
  HttpResponse response = problem(Face::native, error);
  json::object body = details(response.status, error);
  body.insert(members.begin(), members.end());
  response.body = to_text(body) + "\n";
  return response;
}

}  // namespace tradewind
