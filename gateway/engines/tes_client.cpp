#include "gateway/engines/tes_client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "state/identity/encoding.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

constexpr std::size_t tes_token_bytes_max = 16 * 1024;
// TES wants a page size below 2048.
constexpr std::size_t page_size_min = 100;
constexpr std::size_t page_size_max = 2'000;
constexpr int search_page_size = 50;  // of whole documents
// A server that ignores filters shows all that it ever had.
constexpr int pages_max = 2'000;
// A page of documents as large as ours may be.
constexpr std::size_t tes_answer_bytes_max = 16UL << 20;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char each : text) {
    const bool plain = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                       (each >= '0' && each <= '9') || each == '-' || each == '.' || each == '_' ||
                       each == '~';
    if (plain) {
      out += each;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(each));
    }
  }
  return out;
}

Error unanswered(const HttpAnswer& answer, ErrorCode code) {
  return {
      code, "engine.tes.url",
      fmt::format("the TES server answered {}: {}", answer.status, read_tes_problem(answer.body)),
      "see its log, and the credentials"};
}

bool good(const HttpAnswer& answer) {
  return answer.status >= 200 && answer.status < 300;
}

}  // namespace

TesClient::TesClient(TesAccess access)
    : access_(std::move(access)),
      http_({.answer_bytes_max = tes_answer_bytes_max,
             .answer_time_max = std::chrono::seconds(45),
             .connect_time_max = std::chrono::seconds(5),
             .ca_file = access_.ca_file}) {}

Result<HttpAnswer> TesClient::call(const char* method, const std::string& path,
                                   const std::string& body) {
  std::vector<std::string> headers;
  if (!access_.token_file.empty()) {
    auto token = load_private_file(access_.token_file, tes_token_bytes_max);
    if (!token) {
      return fail(ErrorCode::unavailable, "engine.tes.token_file", describe(token.error()),
                  "see to the file that the site file names");
    }
    while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
    const bool plain = std::ranges::all_of(*token, [](char c) { return c >= ' ' && c < 127; });
    if (token->empty() || !plain) {
      return fail(ErrorCode::unavailable, "engine.tes.token_file", "there is no token in it",
                  "write one line with the token or password");
    }
    headers.push_back("Authorization: " +
                      (access_.user.empty()
                           ? "Bearer " + *token
                           : "Basic " + base64_encode(access_.user + ":" + *token)));
  }
  auto answer = http_.call(method, access_.url + path, headers, body);
  if (!answer) {
    Error error = answer.error();
    error.field = "engine.tes.url";
    error.remedy = "see whether the TES server runs";
    return fail(std::move(error));
  }
  if (answer->status == 401 || answer->status == 403) {
    return fail(ErrorCode::unavailable, "engine.tes.token_file",
                fmt::format("the TES server answered {}: {}", answer->status,
                            read_tes_problem(answer->body)),
                "give the gateway a token that may create, list and cancel tasks");
  }
  return answer;
}

Result<std::set<std::string>> TesClient::parameters() {
  const auto answer = call("GET", "/service-info");
  if (!answer) return fail(answer.error());
  if (!good(*answer)) return fail(unanswered(*answer, ErrorCode::unavailable));
  const auto words = read_tes_parameters(answer->body);
  if (!words) return fail(words.error());
  return std::set<std::string>(words->begin(), words->end());
}

Result<std::string> TesClient::create(const std::string& document) {
  const auto answer = call("POST", "/tasks", document);
  if (!answer) return fail(answer.error());
  if (good(*answer)) {
    auto id = read_tes_created(answer->body);
    // It may well have made one.
    if (!id) return fail(ErrorCode::maybe_delivered, id.error().field, id.error().message);
    return id;
  }
  switch (answer->status) {
    // Nothing is wrong with the document: the address is, or it was too much at once.
    case 404:
    case 405:
    case 429: return fail(unanswered(*answer, ErrorCode::unavailable));
    case 408: return fail(unanswered(*answer, ErrorCode::maybe_delivered));
    default: break;
  }
  const bool refused = answer->status >= 400 && answer->status < 500;
  return fail(unanswered(*answer, refused ? ErrorCode::refused : ErrorCode::maybe_delivered));
}

Status TesClient::pages(const std::string& query, const std::function<bool(const TesPage&)>& take) {
  std::string token;
  for (int number = 0; number < pages_max; ++number) {
    const auto answer = call(
        "GET",
        fmt::format("/tasks?{}{}", query, token.empty() ? "" : "&page_token=" + escaped(token)));
    if (!answer) return fail(answer.error());
    if (!good(*answer)) return fail(unanswered(*answer, ErrorCode::unavailable));
    const auto page = read_tes_page(answer->body);
    if (!page) return fail(page.error());
    if (take(*page) || page->next.empty()) return ok();
    // An empty page may have others behind it: a server may look at so many tasks at a time.
    if (page->next == token) {
      return fail(ErrorCode::unavailable, "engine.tes.url",
                  "the TES server's list comes back to where it was", "see its log");
    }
    token = page->next;
  }
  return fail(ErrorCode::unavailable, "engine.tes.url",
              fmt::format("the TES server lists more than {} pages", pages_max),
              "let it filter by name_prefix, state and tags, as TES 1.1 has it, or clear it of old "
              "tasks");
}

Result<std::map<std::string, TesState>> TesClient::states(const std::string& name_prefix,
                                                          std::set<std::string> wanted) {
  std::map<std::string, TesState> states;
  const std::size_t page_size = std::clamp(2 * wanted.size(), page_size_min, page_size_max);
  std::size_t pages_left = 1 + 2 * (wanted.size() + page_size - 1) / page_size;
  const Status read = pages(
      fmt::format("view=MINIMAL&page_size={}&name_prefix={}", page_size, escaped(name_prefix)),
      [&](const TesPage& page) {
        for (const TesTask& each : page.tasks) {
          states[each.id] = each.state;
          wanted.erase(each.id);
        }
        return wanted.empty() || --pages_left == 0;
      });
  if (!read) return fail(read.error());
  return states;
}

Result<std::string> TesClient::find(const std::string& name, const std::string& tag,
                                    const std::string& value) {
  std::string found;
  const Status read =
      pages(fmt::format("view=BASIC&page_size={}&name_prefix={}&tag_key={}&tag_value={}",
                        search_page_size, escaped(name), escaped(tag), escaped(value)),
            [&](const TesPage& page) {
              for (const TesTask& each : page.tasks) {
                const auto own = each.tags.find(tag);
                if (own != each.tags.end() && own->second == value) found = each.id;
              }
              return !found.empty();
            });
  if (!read) return fail(read.error());
  return found;
}

Result<TesTask> TesClient::task(const std::string& id, bool logs) {
  const auto answer =
      call("GET", fmt::format("/tasks/{}?view={}", escaped(id), logs ? "FULL" : "BASIC"));
  if (!answer) return fail(answer.error());
  if (answer->status == 404) return fail(unanswered(*answer, ErrorCode::not_found));
  if (!good(*answer)) return fail(unanswered(*answer, ErrorCode::unavailable));
  return read_tes_task(answer->body);
}

Status TesClient::cancel(const std::string& id) {
  const auto answer = call("POST", fmt::format("/tasks/{}:cancel", escaped(id)), "{}");
  if (!answer) return fail(answer.error());
  // Servers differ about a task that is over: 200, 400, 409, 500. What became of it is looked at.
  if (answer->status >= 500) return fail(unanswered(*answer, ErrorCode::unavailable));
  return ok();
}

}  // namespace tradewind
