#!/usr/bin/env python3
"""Whether sett tells the truth about memory: INFO beside what the kernel counts, and max_memory beside both."""

import argparse
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support_py import resp, servers  # noqa: E402

KEYS = 300_000
LIMIT_BYTES = 192 << 20
TOLERANCE = 0.10
UNTOUCHED_MAX = 0.20  # room to grow counts, though the part of it that was never touched takes no memory
BATCH = 500
SKIPPED = 77


def anonymous_bytes(pid):
    """Of the process, as the kernel counts: resident or swapped out, code and mapped files apart."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) for name in ("RssAnon", "VmSwap")) * 1024


def used_memory(client):
    return int(re.search(rb"^used_memory:(\d+)", client.call("INFO", "memory").value, re.M)[1])


def mixed_value(rng):
    """From nothing to 40 KB, the small ones often."""
    return rng.randbytes(int(rng.choice((4, 30, 100, 300)) * rng.random())) if rng.random() < 0.995 else \
        rng.randbytes(rng.randrange(40_000))


def small_sets(rng):
    number = 0
    while True:
        yield ("SET", f"key:{number}", rng.randbytes(rng.randrange(60)))
        number += 1


def mixed_sets(rng):
    number = 0
    while True:
        yield ("SET", f"key:{number}", mixed_value(rng))
        number += 1


def expiring_sets(rng):
    number = 0
    while True:
        yield ("SET", f"key:{number}", mixed_value(rng), "PX", rng.randrange(10**9, 10**10))
        number += 1


def appends(rng):
    """Values that grow step by step, to some 20 KB."""
    number = 0
    while True:
        for _ in range(40):
            for key in range(200):
                yield ("APPEND", f"key:{number + key}", rng.randbytes(rng.randrange(1000)))
        number += 200


def large_appends(rng):
    """To megabytes, with room to grow."""
    number = 0
    while True:
        for _ in range(40):
            yield ("APPEND", f"key:{number}", rng.randbytes(90_000))
        number += 1


def agree(what, said, counted, below_max, failures):
    ok = said * (1 - below_max) <= counted <= said * (1 + TOLERANCE)
    print(f"{what:34} said {said / 2**20:7.1f} MB, counted {counted / 2**20:7.1f} MB: {'ok' if ok else 'OFF'}", flush=True)
    if not ok:
        failures.append(what)


def check_info(settd, backend, failures):
    rng = random.Random(1)
    with servers.TemporaryDirectory("sett-memory-") as directory:
        server = servers.start_settd(settd, directory.path, "--store.backend", backend)
        try:
            server.wait_ready()
            client = resp.Connection(server.port)
            commands = mixed_sets(rng)
            for _ in range(KEYS // BATCH):
                client.pipeline([next(commands) for _ in range(BATCH)])
            agree(f"INFO, {backend}", used_memory(client), anonymous_bytes(server.pid), TOLERANCE, failures)
        finally:
            server.terminate()


def check_limit(settd, commands, failures):
    rng = random.Random(2)
    with servers.TemporaryDirectory("sett-memory-") as directory:
        server = servers.start_settd(settd, directory.path, "--store.backend", "memory", "--memory.max_memory",
                                     str(LIMIT_BYTES))
        try:
            server.wait_ready()
            client = resp.Connection(server.port)
            before = anonymous_bytes(server.pid)
            source = commands(rng)
            for _ in range(20_000):
                if any(reply.is_error for reply in client.pipeline([next(source) for _ in range(BATCH)])):
                    break
            else:
                failures.append(f"max_memory, {commands.__name__}: no limit")
            agree(f"max_memory, {commands.__name__}", LIMIT_BYTES, anonymous_bytes(server.pid) - before, UNTOUCHED_MAX,
                  failures)
        finally:
            server.terminate()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settd", required=True)
    settd = parser.parse_args().settd
    # Other allocators than the one that settd is built with for use keep what they were given in other ways.
    if b"libjemalloc" not in pathlib.Path(settd).read_bytes():
        print("built without jemalloc")
        return SKIPPED
    failures = []
    for backend in ("simple_kv", "memory"):
        check_info(settd, backend, failures)
    for commands in (small_sets, mixed_sets, expiring_sets, appends, large_appends):
        check_limit(settd, commands, failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
