#!/usr/bin/env python3
"""Ports of this machine's loopback that nobody uses, a line each: deploy/free_ports.py [COUNT]

They are below those that the kernel gives to outgoing connections, so that a daemon finds its own free when it starts again.
"""
import contextlib
import pathlib
import random
import socket
import sys

FIRST = 10_000


@contextlib.contextmanager
def held_ports(count):
    """Within, nobody else finds them free. A daemon that asks for SO_REUSEADDR, as all do, listens on them all the same."""
    end = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if end <= FIRST:
        end = 32_768
    with contextlib.ExitStack() as held:
        ports = []
        for port in random.sample(range(FIRST, end), end - FIRST):
            if len(ports) == count:
                break
            each = held.enter_context(socket.socket())
            try:
                each.bind(("127.0.0.1", port))
            except OSError:
                continue
            # Only now: what asks for it before would take ports that others hold.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ports.append(port)
        yield ports


def free_ports(count):
    with held_ports(count) as ports:
        return ports


if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1]) if len(sys.argv) > 1 else 1), sep="\n")
