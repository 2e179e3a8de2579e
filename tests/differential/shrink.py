"""Shortens the history of a difference by running parts of it again, within a time limit."""

import time

KEYLESS_STATE = {b"SELECT", b"SWAPDB", b"FLUSHDB", b"FLUSHALL", b"MOVE", b"COPY", b"HELLO", b"RESET", b"CLIENT", b"QUIT"}


def reproduces(runner, history):
    """Whether the last command of the history still differs when all run one by one from an empty keyspace."""
    runner.pair.flush()
    connections = {}
    difference = False
    try:
        for place, (index, args) in enumerate(history):
            if index not in connections:
                connections[index] = runner.pair.connect()
            connection = connections[index]
            settd, redis = connection.call(*args)
            last = place == len(history) - 1
            if last:
                difference = runner.judge(connection, args, settd, redis) is not None
            if "closed" in (settd.kind, redis.kind) or args[0].upper() == b"QUIT":
                connection.close()
                del connections[index]
    finally:
        for connection in connections.values():
            connection.close()
    return difference


def related(history):
    """The commands that share an argument (key) with the last one, directly or through others, and state changes."""
    interesting = set(history[-1][1][1:])
    chosen = [history[-1]]
    for index, args in reversed(history[:-1]):
        if args[0].upper() in KEYLESS_STATE or interesting & set(args[1:]):
            chosen.append((index, args))
            if args[0].upper() in (b"RENAME", b"RENAMENX", b"COPY", b"BITOP"):
                interesting |= set(args[1:])
    return chosen[::-1]


def shrink(runner, history, limit_s=15.0):
    """A shorter history with the same end that still differs, or None if a run one by one does not differ."""
    deadline = time.monotonic() + limit_s
    current = related(history)
    if not reproduces(runner, current):
        current = history
        if not reproduces(runner, current):
            return None
    chunk = max(1, len(current) // 2)
    while time.monotonic() < deadline and not runner.pair.ended():
        place, shortened = 0, False
        while place < len(current) - 1 and time.monotonic() < deadline:
            candidate = current[:place] + current[min(place + chunk, len(current) - 1):]
            if reproduces(runner, candidate):
                current, shortened = candidate, True
            else:
                place += chunk
        if chunk == 1 and not shortened:
            break
        chunk = max(1, chunk // 2)
    return current
