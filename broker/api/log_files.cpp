// The transparency log as the files that C2SP's tlog-tiles has: checkpoint, tiles, bundles, and the
// key beside them.
#include <fmt/format.h>

#include "broker/api/api.h"
#include "broker/audit/published_log.h"
#include "state/transparency/tile_path.h"

namespace tradewind {
namespace {

constexpr const char* kNoCache = "no-cache";
constexpr const char* kForAll = "public, max-age=31536000, immutable";
constexpr const char* kForOne = "private, max-age=31536000, immutable";

// Anybody's page may read the log.
HttpResponse open_to_pages(HttpResponse response) {
  response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  return response;
}

void answer(const Call& call, const char* type, const char* caching, Bytes bytes) {
  HttpResponse response;
  response.content_type = type;
  response.headers.emplace_back("Cache-Control", caching);
  response.body = std::move(bytes);
  call.responder.send(open_to_pages(std::move(response)));
}

void reject(const Call& call, const Error& error) {
  call.responder.send(open_to_pages(problem(call.face, error)));
}

// Null when nothing is shown; then the call is answered.
std::shared_ptr<const ShownCheckpoint> shown(const Api& api, const Call& call) {
  auto at = api.log != nullptr ? api.log->shown() : nullptr;
  if (at == nullptr) {
    reject(call, Error{ErrorCode::not_found, "log", "no checkpoint is published yet",
                       "ask again in a moment; /v1/audit/status tells why when it stays so"});
  }
  return at;
}

void checkpoint(const std::shared_ptr<Api>& api, Call call) {
  const auto at = shown(*api, call);
  if (at == nullptr) return;
  answer(call, "text/plain; charset=utf-8", kNoCache, at->note);
}

void key(const std::shared_ptr<Api>& api, Call call) {
  if (api->log == nullptr) return static_cast<void>(shown(*api, call));
  answer(call, "text/plain; charset=utf-8", kNoCache, format_verifier_key(api->log->key()) + "\n");
}

void tile(const std::shared_ptr<Api>& api, Call call) {
  const auto parsed = parse_tile_path("tile/" + call.captures[0]);
  if (!parsed) return reject(call, parsed.error());
  const auto* id = std::get_if<TileId>(&*parsed);
  if (id == nullptr) {
    return reject(call, Error{ErrorCode::not_found, "path", "it is no tile of hashes",
                              "entries are under /log/tile/entries/"});
  }
  const auto at = shown(*api, call);
  if (at == nullptr) return;
  auto bytes = api->log->tile(*at, *id);
  if (!bytes) return reject(call, bytes.error());
  answer(call, "application/octet-stream", kForAll, std::move(*bytes));
}

// Each shows 256 entries at once, of all tenants.
void bundle(const std::shared_ptr<Api>& api, Call call) {
  const auto parsed = parse_tile_path("tile/entries/" + call.captures[0]);
  if (!parsed) return reject(call, parsed.error());
  const auto at = shown(*api, call);
  if (at == nullptr) return;
  auto bytes = api->log->bundle(*at, std::get<BundleId>(*parsed));
  if (!bytes) return reject(call, bytes.error());
  HttpResponse response;
  response.content_type = "application/octet-stream";
  response.headers = {{"Cache-Control", kForOne}};
  response.body = std::move(*bytes);
  call.responder.send(open_to_pages(std::move(response)));
}

// What a browser asks before it lets a page send credentials.
void preflight(const std::shared_ptr<Api>&, Call call) {
  HttpResponse response;
  response.content_type.clear();
  response.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"},
                      {"Access-Control-Allow-Headers", "Authorization"},
                      {"Access-Control-Max-Age", "86400"}};
  call.responder.send(open_to_pages(std::move(response)));
}

}  // namespace

void add_log_file_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/log/checkpoint", Verb::open, checkpoint});
  routes.push_back({"GET", "/log/key", Verb::open, key});
  routes.push_back({"GET", "/log/tile/entries/{path...}", Verb::read_log, bundle});
  routes.push_back({"GET", "/log/tile/{path...}", Verb::open, tile});
  routes.push_back({"OPTIONS", "/log/{path...}", Verb::open, preflight});
}

}  // namespace tradewind
