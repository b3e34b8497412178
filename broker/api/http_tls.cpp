// TLS connections.
#include "broker/api/http_connection.h"

namespace tradewind {
namespace {

// Keeps the TLS context alive for as long as a stream uses it.
struct TlsConnection : HttpConnection<TlsStream> {
  TlsConnection(std::shared_ptr<ServerCore> core, std::shared_ptr<HttpLoop> loop, std::string peer,
                bool peer_is_loopback, Socket socket, std::shared_ptr<asio::ssl::context> tls)
      : HttpConnection<TlsStream>(std::move(core), std::move(loop), std::move(peer),
                                  peer_is_loopback, std::move(socket), *tls),
        context(std::move(tls)) {}
  std::shared_ptr<asio::ssl::context> context;
};

}  // namespace

void serve_tls(std::shared_ptr<ServerCore> core, std::shared_ptr<HttpLoop> loop, Socket socket,
               std::string peer, bool peer_is_loopback,
               std::shared_ptr<asio::ssl::context> context) {
  std::make_shared<TlsConnection>(std::move(core), std::move(loop), std::move(peer),
                                  peer_is_loopback, std::move(socket), std::move(context))
      ->start();
}

}  // namespace tradewind
