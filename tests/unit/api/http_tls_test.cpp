// The HTTP server over TLS: its versions, and certificates that change on disk.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/api/endpoint_fixture.h"
#include "tests/unit/api/http_server_fixture.h"

namespace tradewind::testing {
namespace {

using std::chrono::milliseconds;

// A certificate of that name, signed by itself.
void write_certificate(const std::filesystem::path& directory, const char* name = "test") {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_sign(certificate, key, nullptr);
  FILE* out = std::fopen((directory / "cert.pem").c_str(), "w");
  PEM_write_X509(out, certificate);
  std::fclose(out);
  out = std::fopen((directory / "key.pem").c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

// A TLS connection that stays.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    context_ = SSL_CTX_new(TLS_client_method());
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    EXPECT_EQ(SSL_connect(ssl_), 1);
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  // Of the server's certificate.
  std::string name() const {
    X509* const peer = SSL_get1_peer_certificate(ssl_);
    char text[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, text, sizeof text);
    X509_free(peer);
    return text;
  }
  bool is_served() {
    const std::string request = request_text("GET", "/");
    if (SSL_write(ssl_, request.data(), static_cast<int>(request.size())) <= 0) return false;
    char answer[4096];
    const int count = SSL_read(ssl_, answer, sizeof answer);
    return count > 0 &&
           std::string_view(answer, static_cast<std::size_t>(count)).starts_with("HTTP/1.1 200");
  }

 private:
  int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

// One request over TLS; the version is 0 when there is no connection.
struct TlsExchange {
  int version = 0;
  std::string response;
  bool closed_properly = false;
};
TlsExchange tls_exchange(std::uint16_t port, int version_max, const std::string& request) {
  TlsExchange out;
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, version_max);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  if (SSL_connect(ssl) == 1) {
    out.version = SSL_version(ssl);
    SSL_write(ssl, request.data(), static_cast<int>(request.size()));
    char bytes[4096];
    int count;
    while ((count = SSL_read(ssl, bytes, sizeof bytes)) > 0) {
      out.response.append(bytes, static_cast<std::size_t>(count));
    }
    out.closed_properly = SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN;
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(fd);
  return out;
}

TEST_F(HttpServerTest, SpeaksTls13AndNothingOlder) {
  const TemporaryDirectory directory;
  write_certificate(directory.path);
  options.tls_certificate = directory.path / "cert.pem";
  options.tls_key = directory.path / "key.pem";
  options.address = "0.0.0.0";
  start();
  const std::string request =
      "POST /t HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: "
      "2\r\n\r\nhi";
  const TlsExchange good = tls_exchange(server->port(), 0, request);
  EXPECT_EQ(good.version, TLS1_3_VERSION);
  EXPECT_NE(good.response.find("POST /t hi"), std::string::npos);
  EXPECT_TRUE(good.closed_properly);
  EXPECT_EQ(tls_exchange(server->port(), TLS1_2_VERSION, request).version, 0);
  EXPECT_EQ(exchange(request_text("GET", "/plain")).status, 0);
  options.tls_key = directory.path / "cert.pem";
  EXPECT_EQ(HttpServer::start(options).error().field, "tls_key");
}

TEST_F(HttpServerTest, CutsWhoDoesNotFinishItsHandshake) {
  const TemporaryDirectory directory;
  write_certificate(directory.path);
  options.tls_certificate = directory.path / "cert.pem";
  options.tls_key = directory.path / "key.pem";
  options.limits.header_timeout = milliseconds(200);
  start();
  RawClient client(server->port());
  client.send("\x16\x03\x01");  // the first bytes of a hello
  EXPECT_TRUE(client.sees_close());
}

TEST_F(HttpServerTest, ACertificateThatChangesOnDiskIsUsedAndABrokenOneIsNot) {
  const TemporaryDirectory directory;
  const auto certificate = directory.path / "cert.pem";
  const auto key = directory.path / "key.pem";
  write_certificate(directory.path, "first");
  options.tls_certificate = certificate;
  options.tls_key = key;
  start();
  HttpCounters& counters = *options.counters;
  // As the server does by itself every second.
  const auto look_until = [&](const std::atomic<std::uint64_t>& counter, std::uint64_t count) {
    for (int i = 0; i < 1'000 && counter < count; ++i) {
      server->look_at_certificate();
      std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_EQ(counter, count);
  };
  TlsClient open(server->port());
  EXPECT_EQ(open.name(), "first");
  EXPECT_TRUE(open.is_served());
  EXPECT_GT(counters.certificate_expires, 1'700'000'000);

  write_certificate(directory.path, "second");
  look_until(counters.certificates_loaded, 2);
  EXPECT_EQ(TlsClient(server->port()).name(), "second");
  EXPECT_TRUE(open.is_served()) << "a connection that is open goes on";

  // The key of another certificate, no certificate at all, and none.
  std::filesystem::copy_file(key, directory.path / "second.pem");
  write_certificate(directory.path, "third");
  std::filesystem::rename(directory.path / "second.pem", key);
  std::uint64_t refused = counters.certificates_refused;
  look_until(counters.certificates_refused, std::max<std::uint64_t>(refused, 1));
  refused = counters.certificates_refused;
  std::ofstream(certificate) << "no certificate";
  look_until(counters.certificates_refused, refused + 1);
  std::filesystem::remove(certificate);
  look_until(counters.certificates_refused, refused + 2);
  EXPECT_EQ(TlsClient(server->port()).name(), "second") << "the former one stays in force";
  EXPECT_TRUE(open.is_served());

  write_certificate(directory.path, "fourth");
  look_until(counters.certificates_loaded, 3);
  EXPECT_EQ(TlsClient(server->port()).name(), "fourth");
  EXPECT_TRUE(open.is_served());
}

TEST_F(HttpServerTest, LooksAtItsCertificateByItself) {
  const TemporaryDirectory directory;
  write_certificate(directory.path, "first");
  options.tls_certificate = directory.path / "cert.pem";
  options.tls_key = directory.path / "key.pem";
  start();
  write_certificate(directory.path, "second");
  for (int i = 0; i < 1'000 && options.counters->certificates_loaded < 2; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(TlsClient(server->port()).name(), "second");
  EXPECT_EQ(options.counters->certificates_refused, 0U);
}

}  // namespace
}  // namespace tradewind::testing
