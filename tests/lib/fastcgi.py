# SPDX-License-Identifier: Apache-2.0
"""A FastCGI client that can also misbehave: it speaks to the socket of an application without a web
server."""

import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
KEEP_CONN = 1


def record(kind, content=b"", request_id=1):
    return struct.pack(">BBHHBB", 1, kind, request_id, len(content), 0, 0) + content


def begin(flags=0):
    return record(BEGIN, struct.pack(">HB5x", 1, flags))


def length(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)


def params(pairs):
    """pairs: a list, since a name may be sent twice. Ends with the record that ends the stream."""
    content = b""
    for name, value in pairs:
        name, value = name.encode(), value if isinstance(value, bytes) else value.encode()
        content += length(len(name)) + length(len(value)) + name + value
    return record(PARAMS, content) + record(PARAMS)


def body(data, piece=65535):
    return b"".join(record(STDIN, data[i : i + piece]) for i in range(0, len(data), piece))


def request_params(method, uri, *more, content_length=None):
    pairs = [("REQUEST_METHOD", method), ("REQUEST_URI", uri), ("REMOTE_ADDR", "127.0.0.1")]
    if content_length is not None:
        pairs.append(("CONTENT_LENGTH", str(content_length)))
    names = {name for name, _ in more}
    return [p for p in pairs if p[0] not in names] + list(more)


def connect(path, timeout=10):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(str(path))
    return s


class Reply:
    def __init__(self, raw, ended):
        self.raw = raw  # what came on stdout
        self.ended = ended  # the record that ends a request came
        head, _, self.body = raw.partition(b"\r\n\r\n")
        self.fields = {}
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            self.fields[name.lower()] = value
        self.status = int(self.fields.get("status", "0").split(" ")[0])


def receive(s):
    """Reads records to the end of the request or of the connection."""
    raw, out = b"", b""
    while True:
        while len(raw) >= 8:
            _, kind, _, size, padding, _ = struct.unpack(">BBHHBB", raw[:8])
            if len(raw) < 8 + size + padding:
                break
            content, raw = raw[8 : 8 + size], raw[8 + size + padding :]
            if kind == STDOUT:
                out += content
            elif kind == END:
                return Reply(out, True)
        try:
            more = s.recv(1 << 16)
        except ConnectionResetError:
            more = b""
        if not more:
            return Reply(out, False)
        raw += more


def call(path, pairs, data=b"", flags=0):
    """One whole request."""
    with connect(path) as s:
        s.sendall(begin(flags) + params(pairs) + body(data) + record(STDIN))
        return receive(s)
