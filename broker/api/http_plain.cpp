// Plain TCP connections.
#include "broker/api/http_connection.h"

namespace tradewind {

void serve_plain(std::shared_ptr<ServerCore> core, std::shared_ptr<HttpLoop> loop, Socket socket,
                 std::string peer, bool peer_is_loopback) {
  std::make_shared<HttpConnection<Socket>>(std::move(core), std::move(loop), std::move(peer),
                                           peer_is_loopback, std::move(socket))
      ->start();
}

}  // namespace tradewind
