"""The two servers side by side: connections in pairs, batches sent to both, replies compared."""

import time

from support_py import resp


class Closed:
    """Stands where a reply should be, when the server closed the connection instead."""

    kind = "closed"
    is_error = False
    value = None

    def __init__(self, rest):
        self.raw = b"<closed>" + rest

    def __repr__(self):
        return f"Closed({self.raw!r})"


def read_or_closed(connection):
    try:
        return connection.read_reply()
    except resp.Closed as closed:
        return Closed(closed.rest)
    except (OSError, resp.ProtocolError, ValueError) as error:
        return Closed(f"{type(error).__name__}: {error}".encode())


class PairConnection:
    """One connection to each server."""

    def __init__(self, pair):
        self.pair = pair
        self.connections = [resp.Connection(server.port) for server in pair.servers]

    def close(self):
        for connection in self.connections:
            connection.close()

    def send_raw(self, data, cuts=()):
        for connection in self.connections:
            try:
                connection.send_in_pieces(data, cuts)
            except (resp.Closed, OSError):
                continue  # what the server had to say is read below

    def batch(self, commands, cuts_of=None):
        """[(settd's reply, redis's reply)] of a pipeline. cuts_of(length) gives where to cut the writes."""
        data = b"".join(resp.encode(args) for args in commands)
        begin = time.monotonic()
        self.send_raw(data, cuts_of(len(data)) if cuts_of else ())
        replies = [(read_or_closed(self.connections[0]), read_or_closed(self.connections[1])) for _ in commands]
        self.pair.note_duration(time.monotonic() - begin)
        return replies

    def call(self, *args):
        return self.batch([[resp.to_bytes(arg) for arg in args]])[0]

    def exists(self, key):
        return tuple(reply.value for reply in self.call("EXISTS", key))

    def all_keys(self):
        return tuple(resp.scan_all(connection) for connection in self.connections)

    def value(self, key):
        return tuple(reply.value for reply in self.call("GET", key))

    def settled(self):
        """redis's DBSIZE after a full SCAN, which removes what has expired (KEYS only skips it)."""
        self.all_keys()
        return self.call("DBSIZE")[1].raw

    def scan_rest(self, options):
        """A function that follows both cursors with the options to the end."""

        def follow(*firsts):
            sets = []
            for connection, first in zip(self.connections, firsts):
                keys = {item.value for item in first.value[1].value}
                reply = first
                for _ in range(100_000):
                    if reply.value[0].value == b"0":
                        break
                    reply = connection.call("SCAN", reply.value[0].value, *options)
                    keys.update(item.value for item in reply.value[1].value)
                else:
                    raise AssertionError("SCAN does not come to an end")
                sets.append(keys)
            return tuple(sets)

        return follow


class Pair:
    """settd and redis-server (in this order), started by the caller."""

    def __init__(self, settd, redis, reference_only):
        self.servers = [settd, redis]
        self.reference_only = reference_only
        self.longest_batch_s = 0.0

    def connect(self):
        return PairConnection(self)

    def note_duration(self, duration_s):
        self.longest_batch_s = max(self.longest_batch_s, duration_s)

    def slack_ms(self):
        """Set and read may each lie one batch apart on the two sides."""
        return 2000 * self.longest_batch_s

    def flush(self):
        """Both empty, and the slack starts anew."""
        connection = self.connect()
        replies = connection.call("FLUSHALL")
        connection.close()
        if any(reply.raw != b"+OK\r\n" for reply in replies):
            raise RuntimeError(f"FLUSHALL answered {replies!r}")
        self.longest_batch_s = 0.0

    def ended(self):
        """The name and output of a server whose process is gone, or None."""
        for server in self.servers:
            if server.process.poll() is not None:
                return f"{server.name} ended with {server.process.returncode}: {server.log_tail()}"
        return None
