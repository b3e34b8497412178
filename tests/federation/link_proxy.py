"""A TCP proxy that stands in the links between gateways and their broker, and cuts or delays them."""
import glob
import os
import socket
import threading
import time

TO_BROKER, TO_GATEWAY = "to the broker", "to the gateway"


def owner(port, to):
    """The process that has the loopback connection from this port to that; None when it is gone."""
    rows = [line.split() for table in ("tcp", "tcp6") for line in open(f"/proc/net/{table}", encoding="ascii")]
    sockets = [f"socket:[{row[9]}]" for row in rows if row[1].endswith(f"0100007F:{port:04X}")
               and row[2].endswith(f"0100007F:{to:04X}") and row[3] == "01"]
    for file in glob.iglob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(file) in sockets:
                return int(file.split("/")[2])
        except OSError:
            pass  # it is gone
    return None


class LinkProxy:
    """Bytes of a gateway that is cut are held back, as a network that drops packets holds them, and come late or never:
    a connection that is cut for long is given up by its ends."""

    def __init__(self, port):
        self.broker_port = port
        self.delay = 0.0
        self.cuts = {}  # pid of a gateway -> the directions that are cut
        self.carried = 0

    def __enter__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.over = False
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.server.close()

    def cut(self, pid, *directions):
        self.cuts[pid] = set(directions)

    def heal(self):
        self.cuts.clear()

    def _accept(self):
        while not self.over:
            try:
                near, address = self.server.accept()
            except OSError:
                return
            pid = owner(address[1], self.port)
            try:
                if pid is None:
                    raise ConnectionError
                far = socket.create_connection(("127.0.0.1", self.broker_port))
            except OSError:
                near.close()
                continue
            for one, other, direction in ((near, far, TO_BROKER), (far, near, TO_GATEWAY)):
                threading.Thread(target=self._carry, args=(one, other, pid, direction), daemon=True).start()

    def _carry(self, one, other, pid, direction):
        try:
            while piece := one.recv(65536):
                if self.delay:
                    time.sleep(self.delay)
                while direction in self.cuts.get(pid, ()):
                    time.sleep(0.02)
                other.sendall(piece)
                self.carried += len(piece)
        except OSError:
            pass
        # The thread of the other direction still has both.
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
