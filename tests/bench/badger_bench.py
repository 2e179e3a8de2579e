#!/usr/bin/env python3
"""Runs the bars of the badger engine and prints each figure against its bar. See README.md."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import bars_latency  # noqa: E402
import bars_space  # noqa: E402
import bars_speed  # noqa: E402
import bench_report  # noqa: E402
import contestants  # noqa: E402

# In this order: `read` and `write_amplification` go on with the data of `fill`.
PARTS = {**bars_speed.PARTS, **bars_space.PARTS, **bars_latency.PARTS}


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settd", required=True, help="path of settd")
    parser.add_argument("--load", help="path of sett_load (default: tests/sett_load beside settd)")
    parser.add_argument("--db-bench", default="db_bench", help="RocksDB's (Debian: rocksdb-tools)")
    parser.add_argument("--parts", default=",".join(PARTS), help="default: all, in this order: %(default)s")
    parser.add_argument("--keys", type=int, default=10_000_000, help="of fill, read, write_amplification, hot_reads")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies every number of keys and operations, and "
                        "the memory limits of the cold parts")
    parser.add_argument("--memory-limit", default="512mb", help="of overwrite_cold, cold_reads and memory")
    parser.add_argument("--gc-interval", type=int, default=120, help="value_log_gc_interval_in_seconds of the part space")
    parser.add_argument("--limit", type=float, default=900, help="seconds that one load, one run of a peer, or settling may take")
    parser.add_argument("--data", help="where the files go (default: a directory below TMPDIR); must be on a disk")
    parser.add_argument("--skip-peer", action="store_true", help="leave Badger itself out")
    parser.add_argument("--settd-arg", action="append", default=[], help="a further flag of settd, as --settd-arg=--name=value")
    parser.add_argument("--json", help="write the results there")
    parser.add_argument("--markdown", help="write the results there as a page")
    options = parser.parse_args(argv)
    options.settd = os.path.abspath(options.settd)
    options.load = os.path.abspath(options.load or os.path.join(os.path.dirname(options.settd), "tests", "sett_load"))
    options.memory_bytes = contestants.bytes_of(options.memory_limit)
    unknown = set(options.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"unknown parts {sorted(unknown)}; known are {list(PARTS)}")
    for program in (options.settd, options.load, options.db_bench, "taskset"):
        if not shutil.which(program):
            parser.error(f"{program} is not there")
    options.started = []
    options.has_memory_limit = contestants.accepts_memory_limit(options.settd)
    return options


class Bench:
    """What the parts share."""

    def __init__(self, options):
        self.options = options
        self.report = bench_report.Report()
        self._filled = None

    def scaled(self, count):
        return max(1000, int(count * self.options.scale))

    def filled(self):
        if not self._filled:
            self._filled = bars_speed.Filled(self)
        return self._filled

    def forget_filled(self):
        if self._filled:
            self._filled.remove()
            self._filled = None


def run_parts(bench, parts):
    """False if a part could not be carried out; the others are run all the same."""
    sound = True
    for index, part in enumerate(parts):
        begin = time.monotonic()
        try:
            PARTS[part](bench)
        except Exception as error:  # pylint: disable=broad-except
            sound = False
            bench.report.remark(part, f"FAILED: {type(error).__name__}: {error}")
        if not {"fill", "read", "write_amplification"} & set(parts[index + 1:]):
            bench.forget_filled()
        bench.report.remark(part, f"took {time.monotonic() - begin:.0f} s")
    return sound


def run(options):
    os.sched_setaffinity(0, {int(contestants.LOAD_CORE)})  # what is measured is put on its core by taskset
    options.data = tempfile.mkdtemp(prefix="badger-bench-", dir=options.data)
    bench = Bench(options)
    try:
        wanted = options.parts.split(",")
        sound = run_parts(bench, [part for part in PARTS if part in wanted])
    finally:
        for settd in options.started:  # what an error has left running
            settd.remove()
        shutil.rmtree(options.data, ignore_errors=True)
    bench.report.print_table()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as text:
            json.dump(bench.report.as_json(options), text, indent=1)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as text:
            text.write(bench.report.as_markdown(options))
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(run(parse_arguments(sys.argv[1:])))
