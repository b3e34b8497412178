"""An HTTP proxy on loopback that loses what it is told to lose."""
import http.client
import http.server
import threading
import time


class HttpProxy:
    """Carries requests to 127.0.0.1:`port`, each on a connection of its own. Of requests whose method is POST and whose
    path ends as `lost_path` says, the next `answers_to_lose` are carried and their answers are not; the next
    `requests_to_delay` lose their connection at once, and are carried a second later. In answers each `hidden` word is
    spelt otherwise."""

    def __init__(self, port, lost_path):
        self.to_port, self.lost_path = port, lost_path
        self.answers_to_lose = self.requests_to_delay = 0
        self.lost = 0
        self.hidden = b""
        self.seen = []  # (method, path) of all requests
        self.lock = threading.Lock()

    def __enter__(self):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def carry(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                lose = delay = False
                with proxy.lock:
                    proxy.seen.append((self.command, self.path))
                    if self.command == "POST" and self.path.endswith(proxy.lost_path):
                        if proxy.answers_to_lose:
                            proxy.answers_to_lose -= 1
                            lose = True
                        elif proxy.requests_to_delay:
                            proxy.requests_to_delay -= 1
                            delay = True
                        proxy.lost += lose or delay
                if delay:
                    self.close_connection = True
                    self.connection.close()
                    time.sleep(1)
                far = http.client.HTTPConnection("127.0.0.1", proxy.to_port, timeout=30)
                try:
                    far.request(self.command, self.path, body, dict(self.headers))
                    answer = far.getresponse()
                    text = answer.read()
                    if proxy.hidden:
                        text = text.replace(proxy.hidden, b"x" * len(proxy.hidden))
                except OSError:
                    self.close_connection = True  # as a server that is gone
                    return
                finally:
                    far.close()
                if lose or delay:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name in ("Content-Type", "WWW-Authenticate", "Retry-After"):
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = carry

            def handle(self):
                try:
                    super().handle()
                except (OSError, ValueError):
                    pass  # the connection was cut, by whomever

            def finish(self):
                try:
                    super().finish()
                except (OSError, ValueError):
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
