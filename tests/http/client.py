# SPDX-License-Identifier: Apache-2.0
"""HTTP as the tests need it: a well-behaved client, one that sends raw bytes, and bodies in odd encodings."""

import http.client
import json
import socket
import struct
import uuid


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.fields = response.headers
        self.body = body

    def json(self):
        return json.loads(self.body)


def request(port, method, path, body=None, headers=None, timeout=30):
    """path goes out as it is. An iterable body is sent chunked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        chunked = body is not None and not isinstance(body, (bytes, str))
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers or []:
            connection.putheader(name, value)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body, encode_chunked=chunked)
        response = connection.getresponse()
        return Answer(response, response.read())
    finally:
        connection.close()


def new_id():
    """A request id to find the log line by."""
    return "t-" + uuid.uuid4().hex


def raw(port, data, half_close=False, timeout=30):
    """Sends bytes and gives back all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(data)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            try:
                more = s.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return answer
            answer += more


def status_of(answer):
    """Of a raw answer; 0 where there is none."""
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.") else 0


def zstd_zeros(size):
    """A zstd frame (RFC 8878) of `size` zeros in blocks of one repeated byte: 4 bytes for every 128 KiB."""
    block = 128 << 10
    frame = b"\x28\xb5\x2f\xfd" + bytes([0, 7 << 3])  # a window of 128 KiB
    while True:
        n = min(block, size)
        size -= n
        frame += struct.pack("<I", (1 if size == 0 else 0) | 1 << 1 | n << 3)[:3] + b"\0"
        if size == 0:
            return frame


def zstd_stored(data):
    """A zstd frame of one block that is not compressed."""
    assert len(data) < 128 << 10
    header = struct.pack("<I", 1 | len(data) << 3)[:3]
    return b"\x28\xb5\x2f\xfd" + bytes([0, 7 << 3]) + header + data
