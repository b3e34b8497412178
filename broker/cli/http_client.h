// The command line's way to a broker: JSON over HTTP(S), by libcurl.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"

namespace tradewind::cli {

// Where the broker is and who is asking.
struct Connection {
  std::string url = "http://127.0.0.1:8642";
  std::string token;    // empty: no credentials are sent
  std::string ca_file;  // PEM of the broker's issuer; empty: the system's
};

class HttpClient {
 public:
  explicit HttpClient(Connection connection);

  // Each fails with the broker's own problem (field, message, remedy), or `unavailable` when nobody
  // answers.
  Result<boost::json::value> get(const std::string& path);
  // The body as it is.
  Result<Bytes> get_bytes(const std::string& path);
  Result<boost::json::value> post(const std::string& path, const boost::json::value& body,
                                  const std::vector<std::string>& headers = {});
  // Sends a body as it is read: `read` fills at most so many bytes and tells how many; 0: the end.
  // Gives the answer's body as it is.
  struct Upload {
    std::string content_type;
    std::function<std::size_t(char*, std::size_t)> read;
  };
  Result<Bytes> upload(const std::string& path, const Upload& body,
                       const std::vector<std::string>& headers);
  Result<boost::json::value> put(const std::string& path, const boost::json::value& body);
  Result<boost::json::value> remove(const std::string& path);
  // Hands on the body as it comes; stops when `on_data` returns false.
  Status stream(const std::string& path, const std::function<bool(std::string_view)>& on_data,
                const std::vector<std::string>& headers = {});

 private:
  struct Reply;
  Result<boost::json::value> send(const std::string& method, const std::string& path,
                                  const boost::json::value& body,
                                  const std::vector<std::string>& headers);
  Result<Reply> perform(const std::string& method, const std::string& path, const std::string* body,
                        const std::vector<std::string>& headers,
                        const std::function<bool(std::string_view)>* on_data,
                        const Upload* upload = nullptr);
  Connection connection_;
  std::unique_ptr<void, void (*)(void*)> curl_;  // keeps the connection open
};

// Text safe inside a URL's path segment or query value.
std::string url_escape(std::string_view text);

}  // namespace tradewind::cli
