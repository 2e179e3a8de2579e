"""The bars about CPU, rates and bytes written, beside RocksDB's db_bench."""

import contextlib

import cgroup
import measure
from contestants import BadgerPeer, DbBench, Failed, KEY_BYTES, Settd

VALUE_BYTES = 100
ENTRY_BYTES = KEY_BYTES + VALUE_BYTES
OVERWRITE_S_MAX = 240
LARGE_BYTES, LARGE_THRESHOLD = 64 << 10, "32kb"


class Filled:
    """The data of `fill`, which the parts behind it go on with: settd's, RocksDB's and Badger's."""

    def __init__(self, bench):
        options = bench.options
        self.keys = bench.scaled(options.keys)
        self.settd = Settd(options, "fill-settd").start()
        self.rocks = DbBench(options, "fill-rocksdb")
        self.peer = None
        self.settd_load, load_used = self.settd.load(keys=self.keys, value_bytes=VALUE_BYTES)
        self.settle_s, settle_used = self.settd.settle()
        self.settd_used = load_used + settle_used
        self.load_cpu_ns = load_used.cpu_ns
        self.rocks_rates, self.rocks_used = self.rocks.run("fillrandom,waitforcompaction", num=self.keys, value_size=VALUE_BYTES)

    def fill_peer(self, options):
        """Badger's (rate, use); Failed where it cannot be had."""
        self.peer = BadgerPeer(options, "fill-badger")
        return self.peer.run("fill", self.keys, self.keys, VALUE_BYTES)

    def remove(self):
        for contestant in (self.settd, self.rocks, self.peer):
            if contestant:
                contestant.remove()


def fill(bench):
    report, filled = bench.report, bench.filled()
    keys, used, rocks = filled.keys, filled.settd_used, filled.rocks_used
    rate = filled.settd_load["operations_per_s"]
    report.add("fill", "CPU per SET, until settled", used.cpu_ns / keys, "ns", peer="RocksDB", peer_value=rocks.cpu_ns / keys,
               bar=("<=", 0.5), note=f"of it while the load ran {filled.load_cpu_ns / keys:.0f} ns")
    report.add("fill", "SET", rate, "/s", peer="RocksDB", peer_value=filled.rocks_rates["fillrandom"], bar=(">=", 2),
               note=f"settled {filled.settle_s:.1f} s later; latency of a pipeline in us {filled.settd_load['latency_us']}")
    report_written(report, "fill", "written per byte set", used, rocks, keys)
    if bench.options.skip_peer:
        return
    try:
        peer_rate, peer_used = filled.fill_peer(bench.options)
    except Failed as error:
        report.remark("fill", f"Badger left out: {error}")
        return
    report.add("fill", "CPU per SET, until settled", used.cpu_ns / keys, "ns", peer="Badger", peer_value=peer_used.cpu_ns / keys)
    report.add("fill", "SET", rate, "/s", peer="Badger", peer_value=peer_rate)


def report_written(report, part, what, used, rocks, sets):
    user_bytes = sets * ENTRY_BYTES
    report.add(part, what, used.written / user_bytes, "x", peer="RocksDB", peer_value=rocks.written / user_bytes, bar=("<=", 1),
               note=f"by pages: {used.dirtied / user_bytes:.3f}, RocksDB {rocks.dirtied / user_bytes:.3f}")


def read(bench):
    """Uniform reads; about 37 % of the keys were never drawn by the fill, in all of the contestants."""
    report, filled = bench.report, bench.filled()
    count = bench.scaled(3_000_000)
    filled.settd.load(op="get", keys=filled.keys, count=count // 4, seed=5)
    result, used = filled.settd.load(op="get", keys=filled.keys, count=count, seed=6)
    rates, rocks = filled.rocks.run("readrandom", num=filled.keys, reads=count, use_existing_db=1, seed=2,
                                    value_size=VALUE_BYTES)
    report.add("read", "GET in page cache", result["operations_per_s"], "/s", peer="RocksDB", peer_value=rates["readrandom"],
               bar=(">=", 2), note=f"latency of a pipeline in us {result['latency_us']}")
    report.add("read", "CPU per GET", used.cpu_ns / count, "ns", peer="RocksDB", peer_value=rocks.cpu_ns / count,
               note="RocksDB's with its start")
    if filled.peer:
        rate, _ = filled.peer.run("read", filled.keys, count)
        report.add("read", "GET in page cache", result["operations_per_s"], "/s", peer="Badger", peer_value=rate)


def write_amplification(bench):
    """Overwriting what `fill` wrote three times, in random order."""
    filled = bench.filled()
    sets = 3 * filled.keys
    result, load_used = filled.settd.load(keys=filled.keys, count=sets, value_bytes=VALUE_BYTES, seed=11)
    _, settle_used = filled.settd.settle()
    rates, rocks = filled.rocks.run("overwrite,overwrite,overwrite,waitforcompaction", num=filled.keys, use_existing_db=1, seed=3,
                                    value_size=VALUE_BYTES)
    used = load_used + settle_used
    report_written(bench.report, "write_amplification", "written per byte overwritten", used, rocks, sets)
    bench.report.add("write_amplification", "CPU per SET, until settled", used.cpu_ns / sets, "ns", peer="RocksDB",
                     peer_value=rocks.cpu_ns / sets)
    bench.report.add("write_amplification", "SET", result["operations_per_s"], "/s", peer="RocksDB",
                     peer_value=rates["overwrite"])


def overwrite_cold(bench):
    """Random overwrites of data four times the memory limit; a cgroup keeps the page cache from holding it all the same."""
    options, keys = bench.options, bench.scaled(20_000_000)
    limit = max(64 << 20, int(options.memory_bytes * options.scale))
    with contextlib.ExitStack() as stack:
        group, cap = limited(bench, stack, "overwrite_cold", limit + limit // 4)
        settd = Settd(options, "cold-settd", memory_bytes=limit).start()
        stack.callback(settd.remove)
        settd.load(keys=keys, order="permutation", value_bytes=VALUE_BYTES)
        settd.settle()
        settd.reopen_cold(group)
        result, load_used = settd.load(keys=keys, count=keys // 4, value_bytes=VALUE_BYTES, seed=3, seconds=OVERWRITE_S_MAX)
        settle_s, settle_used = settd.settle()
        disk = settd.disk_bytes()[0]
        settd.remove()
        count = result["operations"]
        rocks = DbBench(options, "cold-rocksdb", memory_bytes=limit)
        stack.callback(rocks.remove)
        rocks.run("filluniquerandom,waitforcompaction", num=keys, value_size=VALUE_BYTES)
        rocks.cgroup = group
        measure.forget_cached(rocks.directory)
        rates, rocks_used = rocks.run("overwrite,waitforcompaction", num=keys, writes=count, use_existing_db=1, seed=4,
                                      value_size=VALUE_BYTES)
    used = load_used + settle_used
    bench.report.add("overwrite_cold", "SET", result["operations_per_s"], "/s", peer="RocksDB", peer_value=rates["overwrite"],
                     bar=(">=", 1), note=f"{count} over {keys} keys, {disk >> 20} MB on disk, limit {limit >> 20} MB, {cap}; "
                                         f"settled {settle_s:.1f} s later")
    bench.report.add("overwrite_cold", "SET until settled", count / (result["seconds"] + settle_s), "/s")
    bench.report.add("overwrite_cold", "CPU per SET, until settled", used.cpu_ns / count, "ns", peer="RocksDB",
                     peer_value=rocks_used.cpu_ns / count)


def limited(bench, stack, name, limit_bytes):
    """(Cgroup or None, words about it)."""
    try:
        group = cgroup.Cgroup("sett-bench", limit_bytes)
    except cgroup.NotPossible as reason:
        bench.report.remark(name, f"{reason}; the page cache is not limited")
        return None, "page cache not limited"
    stack.callback(group.close)
    return group, f"cgroup of {limit_bytes >> 20} MB"


def hot_reads(bench):
    """Uniform reads of a fixed 1 % of the keys, the same load on badger and on simple_kv."""
    keys, count = bench.scaled(bench.options.keys), bench.scaled(5_000_000)
    cpu, rates = {}, {}
    for backend in ("badger", "simple_kv"):
        settd = Settd(bench.options, f"hot-{backend}", backend=backend).start()
        try:
            settd.load(keys=keys, order="permutation", value_bytes=VALUE_BYTES)
            if backend == "badger":
                settd.settle()
            hot = {"op": "get", "keys": keys, "within": max(1, keys // 100)}
            settd.load(**hot, count=max(count // 2, keys // 20), seed=4)
            result, used = settd.load(**hot, count=count, seed=5)
            if result["absent"]:
                raise Failed(f"{result['absent']} keys are missing")
            cpu[backend], rates[backend] = used.cpu_ns / count, result["operations_per_s"]
        finally:
            settd.remove()
    bench.report.add("hot_reads", "CPU per GET of a hot 1 %", cpu["badger"], "ns", peer="simple_kv", peer_value=cpu["simple_kv"],
                     bar=("<=", 1.3))
    bench.report.add("hot_reads", "GET of a hot 1 %", rates["badger"], "/s", peer="simple_kv", peer_value=rates["simple_kv"])


def large_values(bench):
    count = bench.scaled(100_000)
    settd = Settd(bench.options, "large", "--badger.value_threshold", LARGE_THRESHOLD).start()
    try:
        result, used = settd.load(keys=count, order="permutation", value_bytes=LARGE_BYTES, connections=10, depth=10)
        _, settle_used = settd.settle()
    finally:
        settd.remove()
    used += settle_used
    values = count * LARGE_BYTES
    bench.report.add("large_values", "written per byte of the values", used.written / values, "x", bar=("<=", 1.1),
                     note=f"by pages {used.dirtied / values:.3f}; {result['operations_per_s']:.0f} SET/s, "
                          f"{values / result['seconds'] / 1e6:.0f} MB/s, {used.cpu_ns / values:.3f} ns of CPU a byte")


PARTS = {"fill": fill, "read": read, "write_amplification": write_amplification, "overwrite_cold": overwrite_cold,
         "hot_reads": hot_reads, "large_values": large_values}
