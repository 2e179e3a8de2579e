"""Runs directed tables and random epochs on a Pair and collects differences."""

import collections
import random
import socket
import time

import directed
import rules
import streams
from support_py import resp

CONTAINERS = {"CLIENT", "CONFIG", "COMMAND", "OBJECT", "DEBUG", "MODULE", "CLUSTER"}


class Difference:
    """One reply that differs. `history` is [(connection index, args)] since the last empty keyspace, this one last."""

    def __init__(self, where, args, settd, redis, problem, history=()):
        self.where = where
        self.args = args
        self.settd = settd
        self.redis = redis
        self.problem = problem
        self.history = list(history)

    def __str__(self):
        return (f"DIFFERENCE at {self.where}\n  command: {directed.show(self.args)}\n  settd: {self.settd.raw[:600]!r}\n"
                f"  redis: {self.redis.raw[:600]!r}\n  {self.problem}")


class Coverage:
    """How often each command was compared, and how often it succeeded."""

    def __init__(self):
        self.sent = collections.Counter()
        self.succeeded = collections.Counter()

    def note(self, args, settd, redis):
        if not args:
            return
        name = args[0].decode("latin-1").upper()
        if redis.is_error and b"unknown command" in (redis.value or b""):
            name = "(unknown)"
        elif name in CONTAINERS and len(args) > 1:
            if not (settd.is_error and b"unknown subcommand" in settd.value):
                name += " " + args[1].decode("latin-1").upper()
        self.sent[name] += 1
        if not settd.is_error:
            self.succeeded[name] += 1

    def table(self):
        return "\n".join(f"  {name[:40]:40} {count:8} sent {self.succeeded[name]:8} succeeded"
                         for name, count in sorted(self.sent.items()))


class Runner:
    """Holds what one run of the test shares: the pair, the list `allowed`, the coverage."""

    def __init__(self, pair, allowed):
        self.pair = pair
        self.allowed = allowed
        self.coverage = Coverage()

    def needs_own_batch(self, args):
        rule = self.allowed.find(args)
        return bool(rule and rule.check in rules.CHECKS_THAT_ASK) or (args and args[0].upper() == b"QUIT")

    def judge(self, connection, args, settd, redis):
        context = rules.Context(self.pair.slack_ms(), self.pair.reference_only, connection.exists,
                                connection.scan_rest(args[2:]), connection.all_keys, connection.settled,
                                lambda: connection.value(args[-1]))
        self.coverage.note(args, settd, redis)
        try:
            return self.allowed.compare(args, settd, redis, context)
        except (AssertionError, resp.Closed, OSError, TypeError, ValueError) as error:
            return f"the check that replaces equality failed: {type(error).__name__}: {error}"

    def compare_raw(self, data, sentinel=True):
        """(settd's, redis's) bytes until the close, for bytes sent on connections of their own.

        A PING behind the bytes and a closed writing side show, without waiting, whether the server goes on.
        """
        outcome = []
        for server in self.pair.servers:
            connection = resp.Connection(server.port)
            try:
                try:
                    connection.send(data + (b"\r\nPING\r\n" if sentinel else b""))
                    connection.socket.shutdown(socket.SHUT_WR)
                except (resp.Closed, OSError):
                    pass  # closed by the server early; what it said is read below
                outcome.append(connection.read_until_closed())
            except OSError as error:
                outcome.append(f"<{error}>".encode())
            finally:
                connection.close()
        return outcome

    # Directed tables

    def run_table(self, path, protocol, keep_going=True):
        """Differences of one table in one protocol (2, 3, or None for connections without HELLO)."""
        differences = []
        if protocol:
            self.pair.flush()
        connection = self._open(protocol, differences)
        for number, verb, words in directed.read(path):
            where = f"{path}:{number} RESP{protocol or ''}"
            if verb == "new" or verb == "reset":
                connection.close()
                if verb == "reset":
                    self.pair.flush()
                connection = self._open(protocol, differences)
            elif verb == "sleep":
                time.sleep(float(words[0]))
            elif verb in ("raw", "rawonly"):
                data = b"".join(words)
                settd, redis = (resp.Reply("raw", None, said) for said in self.compare_raw(data, verb == "raw"))
                context = rules.Context(reference_only=self.pair.reference_only)
                problem = self.allowed.compare([b"%raw", data], settd, redis, context)
                if problem:
                    differences.append(Difference(where, [data], settd, redis, f"{problem}, until the close"))
            else:
                connection = self._table_command(connection, protocol, where, words, differences)
            if differences and (not keep_going or self.pair.ended()):
                break
        connection.close()
        return differences

    def _open(self, protocol, differences):
        connection = self.pair.connect()
        if protocol:
            args = [b"HELLO", b"%d" % protocol]
            settd, redis = connection.call(*args)
            problem = self.judge(connection, args, settd, redis)
            if problem:
                differences.append(Difference("the opening HELLO", args, settd, redis, problem))
        return connection

    def _table_command(self, connection, protocol, where, words, differences):
        settd, redis = connection.call(*words)
        problem = self.judge(connection, words, settd, redis)
        if problem:
            differences.append(Difference(where, words, settd, redis, problem))
        if "closed" in (settd.kind, redis.kind) or words[0].upper() == b"QUIT":
            connection.close()
            return self._open(protocol, differences)
        return connection

    # Random streams

    def run_epoch(self, seed, epoch, commands_max, deadline):
        """One epoch from an empty keyspace; (Difference or None, number of commands)."""
        rng = random.Random(f"{seed}:{epoch}")
        self.pair.flush()
        connections = [self.pair.connect() for _ in range(4)]
        history = []
        try:
            for index in (0, 2):
                difference = self._batch(connections, index, [[b"HELLO", b"3"]], None, history, f"seed {seed}, epoch {epoch}")
                if difference:
                    return difference, len(history)
            while len(history) < commands_max and time.monotonic() < deadline:
                index = rng.randrange(len(connections))
                batch = self._draw_batch(rng)
                cuts_of = (lambda length: resp.random_cuts(rng, length)) if rng.random() < 0.15 else None
                difference = self._batch(connections, index, batch, cuts_of, history, f"seed {seed}, epoch {epoch}")
                if difference:
                    return difference, len(history)
            return self._final_state(connections[1], history, f"seed {seed}, epoch {epoch}"), len(history)
        finally:
            for connection in connections:
                connection.close()

    def _draw_batch(self, rng):
        batch = []
        length = rng.choice([1, 1, 2, 5, 20, 60])
        while len(batch) < length:
            args = streams.command(rng)
            if self.needs_own_batch(args):
                return batch + [args] if not batch else batch
            batch.append(args)
        return batch

    def _batch(self, connections, index, batch, cuts_of, history, where):
        connection = connections[index]
        replies = connection.batch(batch, cuts_of)
        for args, (settd, redis) in zip(batch, replies):
            history.append((index, args))
            problem = self.judge(connection, args, settd, redis)
            if problem:
                return Difference(f"{where}, index {len(history) - 1}", args, settd, redis, problem, history)
            if settd.kind == "closed" or args[0].upper() == b"QUIT":
                connection.close()
                connections[index] = self.pair.connect()
                break  # what else was in this pipeline is lost on both sides
        return None

    def _final_state(self, connection, history, where):
        """Compares all that the epoch left behind, which replies alone may not have shown."""
        connection.call("RESET")
        for bucket in range(16):
            connection.call("SELECT", bucket)
            ours, theirs = connection.all_keys()
            if ours != theirs:
                shown = [resp.Reply("*", None, repr(sorted(keys)).encode()) for keys in (ours, theirs)]
                return Difference(f"{where}, final keys of {bucket}", [b"SCAN"], *shown, "the keys differ", history)
            for args in self._questions(sorted(theirs)):
                settd, redis = connection.call(*args)
                problem = self.judge(connection, args, settd, redis)
                if problem:
                    return Difference(f"{where}, final state of {bucket}", args, settd, redis, problem, history)
        return None

    @staticmethod
    def _questions(keys):
        yield [b"DBSIZE"]
        for key in keys:
            yield [b"GET", key]
            yield [b"PTTL", key]
            yield [b"PEXPIRETIME", key]
            yield [b"OBJECT", b"ENCODING", key]
