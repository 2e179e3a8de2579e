"""Short expiries: both sides set them, both wait past them, then everything that reads must agree."""

import time

from runner import Difference

SETTERS = [["SET", "{}", "v", "PX", "40"], ["PSETEX", "{}", "30", "v"], ["SET", "{}", "5", "PX", "20"],
           ["SET", "{}", "x", "PXAT", "{ms}"], ["GETEX", "{}", "PX", "25"], ["PEXPIRE", "{}", "15"],
           ["PEXPIREAT", "{}", "{ms}"], ["SET", "{}", "old", "PX", "1"]]
READERS = [["GET"], ["TTL"], ["PTTL"], ["EXPIRETIME"], ["PEXPIRETIME"], ["EXISTS"], ["TYPE"], ["STRLEN"], ["TOUCH"],
           ["GETRANGE", "{}", "0", "-1"], ["OBJECT", "ENCODING", "{}"], ["OBJECT", "REFCOUNT", "{}"], ["PERSIST"],
           ["EXPIRE", "{}", "100000"], ["GETBIT", "{}", "1"], ["BITCOUNT"], ["MGET", "{}", "alive"], ["DEL"], ["UNLINK"],
           ["GETDEL"], ["GETEX"], ["GETSET", "{}", "n"], ["SET", "{}", "n", "XX"], ["SET", "{}", "n", "NX"],
           ["SET", "{}", "n", "KEEPTTL"], ["SETNX", "{}", "n"], ["MSETNX", "{}", "n"], ["INCR"], ["DECRBY", "{}", "3"],
           ["INCRBYFLOAT", "{}", "1.5"], ["APPEND", "{}", "tail"], ["SETRANGE", "{}", "2", "x"], ["SETBIT", "{}", "7", "1"],
           ["BITFIELD", "{}", "INCRBY", "u8", "0", "1"], ["RENAME", "{}", "other"], ["RENAMENX", "alive", "{}"],
           ["COPY", "{}", "other2"], ["COPY", "alive", "{}"], ["MOVE", "{}", "1"], ["LCS", "{}", "alive"],
           ["BITOP", "NOT", "dest", "{}"], ["BITPOS", "{}", "1"]]


def _fill(words, key):
    due_ms = str(int(time.time() * 1000) + 30)
    filled = [word.replace("{}", key).replace("{ms}", due_ms) for word in words]
    return filled if len(words) > 1 else filled + [key]


def run(runner):
    """The first Difference or None."""
    for setter in SETTERS:
        runner.pair.flush()
        connection = runner.pair.connect()
        try:
            difference = _one_setter(runner, connection, setter)
        finally:
            connection.close()
        if difference:
            return difference
    return None


def _one_setter(runner, connection, setter):
    keys = [f"short:{place}" for place in range(len(READERS))]
    connection.call("SET", "alive", "alive value")
    prepare = [_fill(["SET", "{}", "before"], key) for key in keys] + [_fill(setter, key) for key in keys]
    connection.batch([[word.encode() for word in words] for words in prepare])
    time.sleep(0.15)
    settd, redis = connection.call("KEYS", "*")
    shown = [[item.value for item in reply.value] for reply in (settd, redis)]
    if shown != [[b"alive"], [b"alive"]]:
        return Difference(f"expiry after {setter}", [b"KEYS", b"*"], settd, redis, "expired keys are listed")
    for reader, key in zip(READERS, keys):
        for words in (_fill(reader, key), ["GET", key], ["PTTL", key]):
            args = [word.encode() for word in words]
            settd, redis = connection.call(*args)
            problem = runner.judge(connection, args, settd, redis)
            if problem:
                return Difference(f"expiry after {setter}", args, settd, redis, problem)
        connection.call("SET", "alive", "alive value")
    args = [b"DBSIZE"]
    settd, redis = connection.call(*args)
    if settd.raw != redis.raw:
        return Difference(f"expiry after {setter}", args, settd, redis, "the counts differ")
    return None
