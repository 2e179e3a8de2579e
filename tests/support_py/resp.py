"""RESP2 and RESP3 on a raw socket, keeping the bytes of every reply.

`Reply.raw` is what the server sent, byte for byte; `Reply.kind` is its first byte as a one-character
string ('+', '-', ':', '$', '*', '%', '~', '>', '_', ',', '#', '(', '=', '!'); `Reply.value` is
bytes (simple, error, bulk, double, big number, verbatim without its prefix), int (':'), bool ('#'),
None (null of either protocol) or a list of Reply (aggregates; a map is the flat list of keys and values).
"""

import random
import socket
import time

AGGREGATES = {"*", "~", ">", "%"}
BULKS = {"$", "=", "!"}


class ProtocolError(Exception):
    """The server sent bytes that are no RESP."""


class Closed(Exception):
    """The server closed the connection before a whole reply arrived. `rest` holds what had arrived."""

    def __init__(self, rest=b""):
        super().__init__(f"connection closed, {len(rest)} bytes of a reply left: {rest[:200]!r}")
        self.rest = rest


class Reply:
    __slots__ = ("kind", "value", "raw")

    def __init__(self, kind, value, raw):
        self.kind = kind
        self.value = value
        self.raw = raw

    @property
    def is_error(self):
        return self.kind in "-!"

    def __repr__(self):
        return f"Reply({self.raw!r})"


def decode(data, start):
    """(Reply, end) of the reply that begins at data[start], or None if it is not complete yet."""
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind = chr(data[start])
    line = bytes(data[start + 1:line_end])
    after = line_end + 2
    if kind in "+-,(":
        return Reply(kind, line, bytes(data[start:after])), after
    if kind == ":":
        return Reply(kind, int(line), bytes(data[start:after])), after
    if kind == "_":
        return Reply(kind, None, bytes(data[start:after])), after
    if kind == "#":
        return Reply(kind, line == b"t", bytes(data[start:after])), after
    if kind in BULKS:
        length = int(line)
        if length < 0:
            return Reply(kind, None, bytes(data[start:after])), after
        end = after + length
        if len(data) < end + 2:
            return None
        if data[end:end + 2] != b"\r\n":
            raise ProtocolError(f"bulk of {length} bytes is not followed by CRLF: {bytes(data[start:end + 2])[:200]!r}")
        body = bytes(data[after:end])
        return Reply(kind, body[4:] if kind == "=" else body, bytes(data[start:end + 2])), end + 2
    if kind in AGGREGATES:
        return _decode_aggregate(data, start, kind, int(line), after)
    raise ProtocolError(f"no reply begins with {bytes(data[start:start + 60])!r}")


def _decode_aggregate(data, start, kind, count, position):
    if count < 0:
        return Reply(kind, None, bytes(data[start:position])), position
    items = []
    for _ in range(count * 2 if kind == "%" else count):
        decoded = decode(data, position) if position < len(data) else None
        if decoded is None:
            return None
        item, position = decoded
        items.append(item)
    return Reply(kind, items, bytes(data[start:position])), position


def encode(args):
    """One command as a multi-bulk request."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(parts)


def to_bytes(arg):
    if isinstance(arg, bytes):
        return arg
    return str(arg).encode("utf-8", "surrogateescape")


class Connection:
    """One blocking connection. Not for use by two threads at once."""

    def __init__(self, port, timeout_s=30.0, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.position = 0

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed() from error

    def send_in_pieces(self, data, cuts):
        """Sends data as several writes, cut at the given ascending offsets."""
        begin = 0
        for cut in list(cuts) + [len(data)]:
            if cut > begin:
                self.send(data[begin:cut])
                begin = cut

    def read_reply(self):
        """The next reply; raises Closed, ProtocolError or socket.timeout."""
        while True:
            decoded = decode(self.buffer, self.position) if self.position < len(self.buffer) else None
            if decoded is not None:
                reply, self.position = decoded
                if self.position == len(self.buffer):
                    self.buffer = bytearray()
                    self.position = 0
                return reply
            try:
                received = self.socket.recv(1 << 18)
            except ConnectionResetError:
                received = b""
            if not received:
                raise Closed(bytes(self.buffer[self.position:]))
            self.buffer += received

    def call(self, *args):
        self.send(encode([to_bytes(arg) for arg in args]))
        return self.read_reply()

    def pipeline(self, commands):
        self.send(b"".join(encode([to_bytes(arg) for arg in args]) for args in commands))
        return [self.read_reply() for _ in commands]

    def read_until_closed(self, limit_s=10.0):
        """All bytes until the server closes; raises socket.timeout when it has not after limit_s."""
        deadline = time.monotonic() + limit_s
        data = bytes(self.buffer[self.position:])
        while True:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise socket.timeout(f"not closed within {limit_s} s, received {data[:200]!r}")
            self.socket.settimeout(left_s)
            try:
                received = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return data
            if not received:
                return data
            data += received


def random_cuts(rng: random.Random, length, count_max=6):
    """A few ascending offsets inside a message of that length."""
    return sorted(rng.randrange(length + 1) for _ in range(rng.randint(1, count_max)))


def scan_all(connection, *options, rounds_max=1_000_000):
    """Keys of a full SCAN with the options, duplicates dropped; raises AssertionError on an odd reply."""
    keys = set()
    cursor = b"0"
    for _ in range(rounds_max):
        reply = connection.call("SCAN", cursor, *options)
        assert reply.kind == "*" and len(reply.value) == 2, f"SCAN answered {reply!r}"
        cursor = reply.value[0].value
        keys.update(item.value for item in reply.value[1].value)
        if cursor == b"0":
            return keys
    raise AssertionError("SCAN does not come to an end")
