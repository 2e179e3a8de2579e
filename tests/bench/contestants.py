"""What is measured: settd under our load, RocksDB's db_bench, and Badger itself in a small Go program (badger_peer.go)."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import measure  # noqa: E402
from support_py import resp, servers  # noqa: E402

SERVER_CORE, LOAD_CORE = "0", "1"
SHIPPED_YAML = os.path.join(os.path.dirname(os.path.dirname(HERE)), "config", "sett.yaml")
KEY_BYTES = 16
MEM_TABLE_BYTES, MEM_TABLES, CACHE_BYTES = 64 << 20, 4, 256 << 20  # as in the shipped YAML
BADGER_VERSION = "v4.2.0"


class Failed(Exception):
    """Something that is measured did not do what it was asked."""


def bytes_of(text):
    """"512mb" -> 536870912."""
    match = re.fullmatch(r"(\d+)(kb|mb|gb)?", text)
    if not match:
        raise ValueError(f"{text} is no size")
    return int(match.group(1)) << {None: 0, "kb": 10, "mb": 20, "gb": 30}[match.group(2)]


def accepts_memory_limit(settd):
    output = subprocess.run([settd, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout
    return "--badger.memory_limit" in output


class Settd:
    """The daemon with the shipped YAML; `flags` are what differs from it. Keeps its directory until remove()."""

    def __init__(self, options, name, *flags, backend="badger", memory_bytes=None, cgroup=None):
        self.options = options
        self.directory = os.path.join(options.data, name)
        self.cgroup = cgroup
        self.flags = ["--config", SHIPPED_YAML, "--store.backend", backend, "--server.threads", "1", *flags]
        if memory_bytes:
            self.flags += memory_flags(options, memory_bytes)
        self.flags += options.settd_arg
        self.server = None
        self.connection = None
        options.started.append(self)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)

    def start(self, wait=True):
        prefix = (self.cgroup.prefix() if self.cgroup else []) + ["taskset", "-c", SERVER_CORE]
        self.server = servers.start_settd(self.options.settd, self.directory, *self.flags, prefix=prefix)
        if wait:
            self.server.wait_ready(120)
        return self

    @property
    def pid(self):
        return self.server.pid

    def load(self, **asked):
        """Runs sett_load; what it says, and what the daemon used meanwhile."""
        words = ["taskset", "-c", LOAD_CORE, self.options.load, "--port", str(self.server.port)]
        for name, value in asked.items():
            words += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        before = measure.usage(self.pid)
        run = subprocess.run(words, capture_output=True, text=True, timeout=self.options.limit)
        if run.returncode != 0:
            raise Failed(f"{' '.join(words)}: {run.stderr}; settd: {self.server.log_tail()}")
        result = json.loads(run.stdout)
        if result["errors"]:
            raise Failed(f"{' '.join(words)}: {result['errors']} errors, the first {result['first_error']}")
        return result, measure.usage(self.pid) - before

    def call(self, *words):
        if not self.connection:
            self.connection = resp.Connection(self.server.port, timeout_s=self.options.limit)
        reply = self.connection.call(*words)
        if reply.is_error:
            raise Failed(f"{words} answered {reply!r}")
        return reply.value

    def info(self):
        """Figures of INFO badger by name, "badger_" left out."""
        lines = (line.partition(":") for line in self.call("INFO", "badger").decode().split("\r\n") if line.startswith("badger_"))
        return {name[len("badger_"):]: int(value) for name, _, value in lines if value.isdigit()}

    def settle(self, quiet_s=3):
        """Waits until nothing is left to flush, merge or collect. (Seconds, use) until the last change; it returns
        `quiet_s` later."""
        begin = time.monotonic()
        start = last = measure.usage(self.pid)
        changed, figures = begin, None
        while time.monotonic() - begin < self.options.limit:
            time.sleep(0.25)
            info, now = self.info(), measure.usage(self.pid)
            seen = [value for name, value in sorted(info.items()) if name.startswith(("merge", "gc_", "level"))]
            busy = now.cpu_ns - last.cpu_ns > 0.1 * 0.25e9 or info["sealed_memtables"] or info["memtable_bytes"] > 1 << 20
            last = now
            if busy or seen != figures:
                changed, figures, used = time.monotonic(), seen, now
            elif time.monotonic() - changed >= quiet_s:
                return changed - begin, used - start
        raise Failed(f"not settled after {self.options.limit} s: {self.info()}")

    def disk_bytes(self):
        return measure.disk_bytes(os.path.join(self.directory, "data"))

    def stop(self):
        if self.connection:
            self.connection.close()
            self.connection = None
        if self.server:
            self.server.terminate(120)
            self.server = None

    def reopen_cold(self, cgroup):
        """Ends it, and starts it again inside the cgroup with nothing of its files in memory."""
        self.stop()
        measure.forget_cached(self.directory)
        self.cgroup = cgroup
        self.start()

    def kill(self):
        self.server.kill()
        self.stop()

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def memory_flags(options, memory_bytes):
    """All that the engine keeps in memory within `memory_bytes`; without that setting the cache gets a quarter."""
    if options.has_memory_limit:
        return ["--badger.memory_limit", str(memory_bytes)]
    return ["--badger.cache_size", str(max(1 << 20, memory_bytes // 4))]


class DbBench:
    """RocksDB's own benchmark, with the memory and the formats of the shipped YAML; `memory_bytes` caps all of it."""

    LINE = re.compile(r"^(\w+)\s+:\s+([\d.]+) micros/op (\d+) ops/sec", re.MULTILINE)

    def __init__(self, options, name, memory_bytes=None, cgroup=None):
        self.options = options
        self.directory = os.path.join(options.data, name)
        self.cgroup = cgroup
        self.flags = {"key_size": KEY_BYTES, "compression_type": "lz4", "compression_ratio": 0.5, "block_size": 4096,
                      "bloom_bits": 12, "write_buffer_size": MEM_TABLE_BYTES, "max_write_buffer_number": MEM_TABLES + 1,
                      "cache_size": CACHE_BYTES, "max_background_jobs": 2, "disable_wal": 0, "sync": 0, "threads": 1, "seed": 1}
        if memory_bytes:
            self.flags.update({"cache_size": memory_bytes, "cost_write_buffer_to_cache": 1, "cache_index_and_filter_blocks": 1,
                               "partition_index_and_filters": 1,
                               "db_write_buffer_size": min(memory_bytes // 2, MEM_TABLE_BYTES * (MEM_TABLES + 1))})
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)

    def run(self, benchmarks, **flags):
        """(ops per second by benchmark, use of the whole process)."""
        given = {**self.flags, **flags, "benchmarks": benchmarks, "db": self.directory}
        words = [self.options.db_bench] + [f"--{name}={value}" for name, value in given.items()]
        output, used = run_measured(words, self.cgroup, self.options.limit)
        rates = {}
        for name, _, rate in self.LINE.findall(output):
            rates.setdefault(name, []).append(float(rate))
        missing = {name for name in benchmarks.split(",") if name not in rates and name != "waitforcompaction"}
        if missing:
            raise Failed(f"{' '.join(words)} did not report {missing}: {output[-2000:]}")
        return {name: sum(each) / len(each) for name, each in rates.items()}, used

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def run_measured(words, cgroup, limit_s):
    """Runs a command on the servers' core to its end; (output, use)."""
    prefix = (cgroup.prefix() if cgroup else []) + ["taskset", "-c", SERVER_CORE]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(prefix + words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        deadline = time.monotonic() + limit_s
        try:
            while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                if time.monotonic() > deadline:
                    raise Failed(f"{' '.join(words)} not done after {limit_s} s")
                time.sleep(0.02)
            used = measure.io_usage(process.pid)
            _, status, resources = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            used.cpu_ns = int((resources.ru_utime + resources.ru_stime) * 1e9)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise Failed(f"{' '.join(words)} ended with {process.returncode}: {text[-2000:]}")
    return text, used


class BadgerPeer:
    """Badger itself. Built once; Failed says why it cannot be had."""

    def __init__(self, options, name):
        self.options = options
        self.directory = os.path.join(options.data, name)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.program = self._build()

    def _build(self):
        folder = os.path.join(self.options.data, "badger_peer")
        program = os.path.join(folder, "badger_peer")
        if os.path.exists(program):
            return program
        if not shutil.which("go"):
            raise Failed("no Go compiler")
        os.makedirs(folder, exist_ok=True)
        shutil.copy(os.path.join(HERE, "badger_peer.go"), os.path.join(folder, "main.go"))
        for words in (["mod", "init", "badger_peer"], ["get", f"github.com/dgraph-io/badger/v4@{BADGER_VERSION}"],
                      ["build", "-o", program, "."]):
            run = subprocess.run(["go", *words], cwd=folder, capture_output=True, text=True, timeout=600)
            if run.returncode != 0:
                raise Failed(f"go {' '.join(words)}: {run.stderr.strip()[-300:]}")
        return program

    def run(self, operation, keys, count, value_bytes=100):
        """(ops per second, use of the whole process)."""
        words = [self.program, "-dir", self.directory, "-op", operation, "-keys", str(keys), "-count", str(count),
                 "-value-bytes", str(value_bytes)]
        output, used = run_measured(words, None, self.options.limit)
        return json.loads(output.strip().splitlines()[-1])["operations_per_s"], used

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
