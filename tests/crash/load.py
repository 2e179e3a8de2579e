"""The load of one round: writers that keep their record, and readers that note what they are shown."""

import random
import threading
import time

import record as records
from support_py import resp

FAR_MS = 10**10
SHORT_DATABASE = 15
KEYS_PER_WRITER = 300


def now_ms():
    return int(time.time() * 1000)


class Worker(threading.Thread):
    """Runs until the server goes or `stop` is set; `failure` holds what else ended it."""

    def __init__(self, port, seed, stop):
        super().__init__(daemon=True)
        self.port = port
        self.rng = random.Random(seed)
        self.stop = stop
        self.failure = None
        self.done = 0

    def run(self):
        connection = None
        try:
            connection = resp.Connection(self.port, timeout_s=60)
            while not self.stop.is_set():
                self.turn(connection)
        except (resp.Closed, OSError):
            pass  # the server was killed, which is what this test is about
        except (records.Contradiction, AssertionError, resp.ProtocolError) as error:
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            if connection:
                connection.close()


class Writer(Worker):
    """Owns one database and, in SHORT_DATABASE, the keys that begin with its name."""

    def __init__(self, port, seed, stop, record, native):
        super().__init__(port, seed, stop)
        self.record = record
        self.native = native  # the server knows KV.MSET
        self.selected = False
        self.serial = 0

    def turn(self, connection):
        if not self.selected:
            assert connection.call("SELECT", self.record.database).raw == b"+OK\r\n"
            self.selected = True
        operations = []
        for _ in range(self.rng.choice([1, 1, 1, 3, 10, 20])):
            commands, changes, expected = self._draw()
            self.record.begin(repr(commands), changes)
            operations.append((commands, expected))
        connection.send(b"".join(resp.encode([resp.to_bytes(word) for word in command])
                                 for commands, _ in operations for command in commands))
        for commands, expected in operations:
            replies = [connection.read_reply() for _ in commands]
            for reply in replies:
                self._check(commands, reply)
            assert expected is None or replies[-1].value == expected, \
                f"{commands!r} answered {replies!r} instead of {expected!r}"
            self.record.acknowledge(1)
            self.done += 1

    def _check(self, commands, reply):
        nested = reply.value if isinstance(reply.value, list) else []
        assert not reply.is_error and not any(item.is_error for item in nested), f"{commands!r} answered {reply!r}"

    def _key(self):
        return f"{self.record.name}:{self.rng.randrange(KEYS_PER_WRITER)}".encode()

    def _value(self):
        self.serial += 1
        length = self.rng.choice([0, 10, 100, 100, 1000]) if self.rng.random() < 0.98 else 40_000
        return f"{self.record.name}/{len(self.record.operations)}/{self.serial}/".encode() + b"." * length

    def _place(self, key):
        return self.record.database, key

    def _now(self, key):
        return self.record.state.get(self._place(key))

    def _draw(self):
        """(commands, changes, the last command's value or None) of one operation."""
        makers = [(30, self._set), (12, self._increment), (12, self._append), (12, self._batch), (10, self._delete),
                  (6, self._set_far), (6, self._set_short), (4, self._set_range), (4, self._rename), (4, self._expire),
                  (0.15, self._flush)] + ([(10, self._native_batch)] if self.native else [])
        return self.rng.choices([maker for _, maker in makers], [weight for weight, _ in makers])[0]()

    def _set(self):
        key, value = self._key(), self._value()
        return [["SET", key, value]], {self._place(key): records.State(value, None)}, b"OK"

    def _set_far(self):
        key, value = self._key(), self._value()
        return [["SET", key, value, "PX", FAR_MS]], {self._place(key): records.State(value, records.FAR)}, b"OK"

    def _set_short(self):
        key, value = self._key(), self._value()
        due_ms = now_ms() + self.rng.randrange(5, 400)
        return ([["SELECT", SHORT_DATABASE], ["SET", key, value, "PXAT", due_ms], ["SELECT", self.record.database]],
                {(SHORT_DATABASE, key): records.State(value, due_ms)}, b"OK")

    def _increment(self):
        key = f"{self.record.name}:count{self.rng.randrange(5)}".encode()
        value = int(self._now(key).value if self._now(key) else 0) + 1
        expiry = self._now(key).expiry if self._now(key) else None
        return [["INCR", key]], {self._place(key): records.State(b"%d" % value, expiry)}, value

    def _append(self):
        key = self._key()
        old = self._now(key) or records.State(b"", None)
        tail = f"+{self.serial}+{len(self.record.operations)}".encode()
        state = records.State(old.value + tail, old.expiry)
        return [["APPEND", key, tail]], {self._place(key): state}, len(state.value)

    def _set_range(self):
        key = self._key()
        old = self._now(key) or records.State(b"", None)
        offset, patch = self.rng.randrange(60), f"<{len(self.record.operations)}>".encode()
        padded = old.value.ljust(offset, b"\0")
        state = records.State(padded[:offset] + patch + padded[offset + len(patch):], old.expiry)
        return [["SETRANGE", key, offset, patch]], {self._place(key): state}, len(state.value)

    def _batch_of(self, command):
        keys = {self._key() for _ in range(self.rng.randint(2, 8))}
        value = self._value()
        words = list(command)
        for key in keys:
            words += [key, value]
        return [words], {self._place(key): records.State(value, None) for key in keys}

    def _batch(self):
        return *self._batch_of(["MSET"]), b"OK"

    def _native_batch(self):
        return *self._batch_of(["KV.MSET", self.record.database]), None

    def _delete(self):
        keys = {self._key() for _ in range(self.rng.randint(1, 4))}
        gone = sum(1 for key in keys if self._now(key))
        return [["DEL", *keys]], {self._place(key): None for key in keys}, gone

    def _rename(self):
        source, target = self._key(), self._key()
        if not self._now(source) or source == target:
            return self._set()
        return [["RENAME", source, target]], {self._place(source): None, self._place(target): self._now(source)}, b"OK"

    def _expire(self):
        key = self._key()
        old = self._now(key)
        if not old:
            return self._set()
        if old.expiry:
            return [["PERSIST", key]], {self._place(key): records.State(old.value, None)}, 1
        return [["PEXPIRE", key, FAR_MS]], {self._place(key): records.State(old.value, records.FAR)}, 1

    def _flush(self):
        changes = {place: None for place in self.record.state if place[0] == self.record.database}
        return [["FLUSHDB"]], changes, b"OK"


class Reader(Worker):
    """Reads other writers' keys and counts, and tells their records what it was shown."""

    def __init__(self, port, seed, stop, writers_records):
        super().__init__(port, seed, stop)
        self.records = writers_records

    def turn(self, connection):
        record = self.rng.choice(self.records)
        keys = [f"{record.name}:{self.rng.randrange(KEYS_PER_WRITER)}".encode() for _ in range(self.rng.randint(1, 6))]
        database = SHORT_DATABASE if self.rng.random() < 0.1 else record.database
        lower, before_ms = record.acknowledged, now_ms()
        replies = connection.pipeline([["SELECT", database], ["MGET", *keys], ["DBSIZE"]])
        after_ms = now_ms()
        assert replies[0].raw == b"+OK\r\n" and replies[1].kind == "*" and replies[2].kind == ":", f"{replies!r}"
        shown = {(database, key): item.value for key, item in zip(keys, replies[1].value)}
        record.observe(shown, lower, before_ms, after_ms)
        if database == record.database:
            record.observe_count(replies[2].value, lower)
        if self.rng.random() < 0.001:
            connection.call("BGSAVE")  # an answer that one is under way already is as good
        self.done += 1
