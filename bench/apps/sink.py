"""How a task tells the benchmark that it started: one small datagram, no network, nothing to wait for."""

import os
import socket
import struct
import time

_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
_path = os.environ.get("BENCH_SINK", "")


def tell(number: int) -> None:
    """Send this number, the time (nanoseconds since 1970) and the process's id."""
    _socket.sendto(struct.pack("<qqq", number, time.time_ns(), os.getpid()), _path)
