#!/usr/bin/env python3
"""Kills settd under load, again and again, and compares what is left with an external record. See README.md."""

import argparse
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import load  # noqa: E402
import record as records  # noqa: E402
from support_py import resp, servers  # noqa: E402

STOP_LIMIT_S = 10
ROUNDS, ROUNDS_LONG = 4, 100

# Of these settings each start draws one value; small ones, so that a round sees many files come and go.
DRAWN_ALWAYS = {"store.shards": ["1", "2", "3", "8", "64"], "store.hash": ["xxh3", "fnv1a", "crc16"]}
DRAWN = {
    "simple_kv": {"simple_kv.snapshot_log_size": ["256kb", "1mb", "64mb"],
                  "simple_kv.wal_segment_size": ["64kb", "256kb", "4mb"]},
    "badger": {"badger.mem_table_size": ["1mb", "1mb", "2mb", "10mb"],
               "badger.value_threshold": ["0", "64", "64", "1000", "1mb"],
               "badger.value_log_file_size": ["1mb", "1mb", "4mb"],
               "badger.value_log_max_entries": ["200", "1000000"],
               "badger.value_log_gc_discard_ratio": ["0.05", "0.5"],
               "badger.value_log_gc_interval_in_seconds": ["1"],
               "badger.num_mem_tables": ["1", "4"],
               "badger.num_level0_tables": ["1", "2"],
               "badger.num_level0_tables_stall": ["3", "8"]},
}


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settd", required=True, help="path of settd, or of redis-server with a redis peer")
    parser.add_argument("--peer", choices=["settd", "redis", "redis-forgetful"], default="settd",
                        help="what --settd is; redis-forgetful keeps nothing on disk and must fail")
    parser.add_argument("--backend", choices=list(DRAWN), default="simple_kv", help="what keeps the data of settd")
    parser.add_argument("--rounds", type=int, default=ROUNDS_LONG if os.environ.get("SETT_LONG") else ROUNDS,
                        help=f"how many (default {ROUNDS}, with SETT_LONG {ROUNDS_LONG})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writers", type=int, default=6)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--load-max-s", type=float, default=1.5, help="the longest load before a kill")
    parser.add_argument("--start-limit-s", type=float, default=60)
    parser.add_argument("--settd-arg", action="append", default=[])
    return parser.parse_args(argv)


class Loop:
    """All rounds over one data directory."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.rng = random.Random(options.seed)
        self.bases = [{} for _ in range(options.writers)]
        self.server = None
        self.settings = ""

    def start(self, round_number):
        options = self.options
        if options.peer != "settd":
            forgetful = options.peer == "redis-forgetful"
            flags = [] if forgetful else ["--appendonly", "yes", "--appendfsync", "always"]
            self.server = servers.start_redis(servers.find_redis(options.settd), self.directory, *flags)
            self.settings = " ".join(flags)
            return
        flags = ["--store.backend", options.backend,
                 f"--{options.backend}.sync_writes", "true" if round_number % 2 else "false"]
        for name, values in {**DRAWN_ALWAYS, **DRAWN[options.backend]}.items():
            flags += [f"--{name}", self.rng.choice(values)]
        flags += options.settd_arg
        self.settings = " ".join(flags)
        self.server = servers.start_settd(options.settd, self.directory, *flags)

    def round(self, round_number):
        """One start, load, end, start and judgement; returns a line about it. Raises Contradiction or StartFailed."""
        self.start(round_number)
        self.server.wait_ready(self.options.start_limit_s)
        writer_records = [records.Record(f"w{place}", place, base) for place, base in enumerate(self.bases)]
        workers, stop = self._start_load(writer_records, round_number)
        end = self.rng.choice(["kill", "kill", "kill", "kill", "terminate"])
        time.sleep(self.rng.uniform(0.05, self.options.load_max_s))
        exit_code = None
        if end == "kill":
            self.server.kill()
        else:
            exit_code = self.server.terminate(STOP_LIMIT_S)
        stop.set()
        for worker in workers:
            worker.join(timeout=70)
            if worker.is_alive():
                raise records.Contradiction("a client still waits for a reply of a server that is gone")
        failures = [worker.failure for worker in workers if worker.failure]
        if failures:
            raise records.Contradiction("under load: " + "; ".join(failures))
        if end == "terminate" and exit_code != 0:
            raise records.Contradiction(f"SIGTERM: exit code {exit_code} (None: not within {STOP_LIMIT_S} s)")
        settings = self.settings
        interrupted = self._recover(round_number, writer_records)
        return (f"round {round_number}: {end}, {sum(len(record.operations) for record in writer_records)} operations, "
                f"{sum(record.acknowledged for record in writer_records)} acknowledged, "
                f"{sum(worker.done for worker in workers[len(writer_records):])} reads, {interrupted} interrupted starts, "
                f"{sum(len(base) for base in self.bases)} keys; {settings}")

    def _start_load(self, writer_records, round_number):
        stop = threading.Event()
        seeds = f"{self.options.seed}:{round_number}"
        workers = [load.Writer(self.server.port, f"{seeds}:w{place}", stop, record, self.options.peer == "settd")
                   for place, record in enumerate(writer_records)]
        workers += [load.Reader(self.server.port, f"{seeds}:r{place}", stop, writer_records)
                    for place in range(self.options.readers)]
        for worker in workers:
            worker.start()
        return workers, stop

    def _recover(self, round_number, writer_records):
        """Starts again, now and then killing the start itself, and judges; the number of starts killed."""
        interrupted = 0
        while self.rng.random() < 0.25 and interrupted < 3:
            self.start(round_number)
            time.sleep(self.rng.uniform(0, 0.2))
            self.server.kill()
            interrupted += 1
        self.start(round_number + 1)
        self.server.wait_ready(self.options.start_limit_s)
        connection = resp.Connection(self.server.port, timeout_s=60)
        before_ms = load.now_ms()
        shorts = self._dump(connection, load.SHORT_DATABASE)
        recovered = [self._dump(connection, record.database) for record in writer_records]
        for record, found in zip(writer_records, recovered):
            prefix = f"{record.name}:".encode()
            own = {(load.SHORT_DATABASE, key): entry for (_, key), entry in shorts.items() if key.startswith(prefix)}
            record.judge({**found, **own}, before_ms, load.now_ms())
        self.bases = [records.recovered_base(found) for found in recovered]
        self._expect_shorts_gone(connection)
        connection.close()
        # Half of the rounds go on from an ordinary end of this start, half from another kill.
        if self.rng.random() < 0.5:
            self.server.kill()
        elif self.server.terminate(STOP_LIMIT_S) != 0:
            raise records.Contradiction("SIGTERM without load: not ended in time, or with an exit code")
        return interrupted

    @staticmethod
    def _dump(connection, database):
        """{place: (value, PTTL in ms)} of a database; its count must agree with its keys."""
        connection.call("SELECT", database)
        keys = sorted(resp.scan_all(connection, "COUNT", "1000"))
        dump = {}
        for begin in range(0, len(keys), 200):
            some = keys[begin:begin + 200]
            replies = connection.pipeline([command for key in some for command in (["GET", key], ["PTTL", key])])
            refused = [reply for reply in replies if reply.is_error]
            if refused:
                raise records.Contradiction(f"database {database}: {len(refused)} reads were refused: {refused[0]!r}")
            for place, key in enumerate(some):
                value, ttl_ms = replies[2 * place].value, replies[2 * place + 1].value
                if value is not None and ttl_ms != -2:  # else it fell due between SCAN and here
                    dump[(database, key)] = (value, ttl_ms)
        if database != load.SHORT_DATABASE:
            count = connection.call("DBSIZE").value
            if count != len(keys) or len(dump) != len(keys):
                raise records.Contradiction(f"database {database}: DBSIZE {count}, SCAN gives {len(keys)}, GET {len(dump)}")
        return dump

    @staticmethod
    def _expect_shorts_gone(connection, limit_s=5.0):
        """Keys with a short expiry stay gone, and the count follows."""
        connection.call("SELECT", load.SHORT_DATABASE)
        time.sleep(0.45)
        keys = resp.scan_all(connection)
        if keys:
            raise records.Contradiction(f"expired keys are still there: {sorted(keys)[:5]}")
        deadline = time.monotonic() + limit_s
        while (count := connection.call("DBSIZE").value) != 0:
            if time.monotonic() > deadline:
                raise records.Contradiction(f"DBSIZE {count} of expired keys")
            time.sleep(0.05)

    def end(self):
        if self.server:
            self.server.kill()


def run(options):
    """0 if all rounds held, 1 at the first that did not."""
    with servers.TemporaryDirectory("kill-loop-") as directory:
        loop = Loop(options, directory.path)
        try:
            for round_number in range(options.rounds):
                print(loop.round(round_number), flush=True)
        except (records.Contradiction, servers.StartFailed, AssertionError, resp.ProtocolError, resp.Closed,
                OSError) as error:
            directory.keep = True
            print(f"FAILED in round {round_number}, seed {options.seed}, started with {loop.settings}\n"
                  f"{type(error).__name__}: {error}\ndata and logs: {directory.path}")
            return 1
        finally:
            loop.end()
    print(f"{options.rounds} rounds: nothing lost, halved or contradicted; seed {options.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(run(parse_arguments(sys.argv[1:])))
