"""Agents of serf, another gossip program, on loopback, and their RPC: what our own gossip is held against.

Serf: https://www.serf.io; its RPC is MessagePack over TCP.
"""
import selectors
import shutil
import socket
import struct
import subprocess
import threading
import time

PROGRAM = shutil.which("serf")


def pack(value):
    """MessagePack of what requests consist of."""
    if isinstance(value, dict):
        assert len(value) < 16
        return bytes([0x80 | len(value)]) + b"".join(pack(key) + pack(each) for key, each in value.items())
    if isinstance(value, list):
        assert len(value) < 16
        return bytes([0x90 | len(value)]) + b"".join(pack(each) for each in value)
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xce" + struct.pack(">I", value)
    data = value.encode() if isinstance(value, str) else value
    return b"\xda" + struct.pack(">H", len(data)) + data


WIDTHS = {0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xca: ">f", 0xcb: ">d", 0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q",
          0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q", 0xd9: ">B", 0xda: ">H", 0xdb: ">I", 0xdc: ">H", 0xdd: ">I",
          0xde: ">H", 0xdf: ">I"}


def unpack(data, at):
    """The value at `at` and where the next begins; IndexError or struct.error when it is not whole yet."""
    kind = data[at]
    at += 1
    if kind < 0x80:
        return kind, at
    if kind >= 0xe0:
        return kind - 256, at
    if kind in (0xc0, 0xc2, 0xc3):
        return {0xc0: None, 0xc2: False, 0xc3: True}[kind], at
    if kind < 0x90:
        shape, size = "map", kind & 0x0f
    elif kind < 0xa0:
        shape, size = "list", kind & 0x0f
    elif kind < 0xc0:
        shape, size = "text", kind & 0x1f
    else:
        size, = struct.unpack_from(WIDTHS[kind], data, at)
        at += struct.calcsize(WIDTHS[kind])
        if 0xca <= kind <= 0xd3:
            return size, at
        shape = "map" if kind >= 0xde else "list" if kind >= 0xdc else "text"
    if shape == "text":
        if at + size > len(data):
            raise IndexError
        return bytes(data[at:at + size]), at + size
    found = []
    for _ in range(size * 2 if shape == "map" else size):
        value, at = unpack(data, at)
        found.append(value)
    return (dict(zip(found[::2], found[1::2])), at) if shape == "map" else (found, at)


class Rpc:
    """One connection to an agent. Calls block; an answer is (error, body)."""

    def __init__(self, address, timeout=20):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.data, self.number = bytearray(), 0
        self.call("handshake", {"Version": 1})

    def send(self, command, body=None):
        self.number += 1
        header = {"Command": command, "Seq": self.number}
        self.socket.sendall(pack(header) + (pack(body) if body is not None else b""))

    def next(self):
        while True:
            try:
                value, end = unpack(self.data, 0)
                del self.data[:end]
                return value
            except (IndexError, struct.error):
                more = self.socket.recv(1 << 18)
                if not more:
                    raise ConnectionError("the agent has gone") from None
                self.data += more

    def call(self, command, body=None, answers=False):
        self.send(command, body)
        header = self.next()
        return header[b"Error"].decode(), self.next() if answers else None

    def close(self):
        self.socket.close()


class Agents:
    """`count` agents that know each other. Arrivals of events: {name: {agent: seconds on the monotonic clock}}."""

    def __init__(self, count, profile, port=17946):
        self.names = [f"n{number:03}" for number in range(count)]
        self.profile, self.port = profile, port
        self.processes, self.arrived = {}, {}
        self.stopped = False

    def address(self, name):
        number = int(name[1:])
        return f"127.0.{1 + number // 200}.{1 + number % 200}"

    def rpc(self, name):
        return Rpc((self.address(name), self.port + 1))

    def __enter__(self):
        try:
            for name in self.names:
                host = self.address(name)
                join = ["-retry-join", f"{self.address(self.names[0])}:{self.port}"] if self.processes else []
                self.processes[name] = subprocess.Popen(
                    [PROGRAM, "agent", "-node", name, "-bind", f"{host}:{self.port}", "-rpc-addr",
                     f"{host}:{self.port + 1}", "-profile", self.profile, "-log-level", "err", "-retry-interval", "1s",
                     *join], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 60
            for name in self.names:
                while self.members(name, deadline) < len(self.names):
                    if time.monotonic() > deadline:
                        raise AssertionError(f"{name} does not know all members")
                    time.sleep(0.2)
            self.listen()
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stopped = True
        for each in self.processes.values():
            each.kill()
        for each in self.processes.values():
            each.wait()

    def members(self, name, deadline):
        while True:
            try:
                rpc = self.rpc(name)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        found = rpc.call("members", answers=True)[1][b"Members"]
        rpc.close()
        return sum(each[b"Status"] == b"alive" for each in found)

    def listen(self):
        """From now on a thread notes when events of users reach which agent."""
        selector = selectors.DefaultSelector()
        for name in self.names:
            rpc = self.rpc(name)
            assert rpc.call("stream", {"Type": "user"})[0] == ""
            rpc.socket.setblocking(False)
            selector.register(rpc.socket, selectors.EVENT_READ, (name, rpc))

        def run():
            while not self.stopped:
                for key, _ in selector.select(0.2):
                    name, rpc = key.data
                    now = time.monotonic()
                    try:
                        while True:
                            value = rpc.next()
                            if b"Event" in value:
                                self.arrived.setdefault(value[b"Name"].decode(), {}).setdefault(name, now)
                    except BlockingIOError:
                        pass
                    except OSError:
                        selector.unregister(key.fileobj)
        threading.Thread(target=run, daemon=True).start()

    def event(self, name, event):
        """Sends an event and returns when."""
        rpc = self.rpc(name)
        at = time.monotonic()
        rpc.call("event", {"Name": event, "Payload": b"x" * 320, "Coalesce": False})
        rpc.close()
        return at

    def tags(self, name):
        """Tags of all members, as the agent knows them, by member."""
        rpc = self.rpc(name)
        found = rpc.call("members", answers=True)[1][b"Members"]
        rpc.close()
        return {each[b"Name"].decode(): (each[b"Tags"], each[b"Status"]) for each in found}
