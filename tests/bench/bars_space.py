"""The bars about the disk: space at rest, given back, read cold, and the time to start after a kill."""

import contextlib
import time

import measure
from bars_speed import limited
from contestants import Failed, KEY_BYTES, Settd
from support_py import resp

ABOVE_THRESHOLD_BYTES = 4100  # 4 KB that are above value_threshold: 4kb
SPACE_BAR = 1.3


class AtRest:
    """Data that was overwritten twice in random order with repetition; then 45 % of the keys are deleted."""

    def __init__(self, bench, value_bytes, keys, interval_s):
        self.name = f"values of {value_bytes} B"
        self.keys = self.live = keys
        self.entry_bytes = KEY_BYTES + value_bytes
        self.interval_s = interval_s
        self.settd = Settd(bench.options, f"space-{value_bytes}", "--badger.value_log_gc_interval_in_seconds", str(interval_s))
        self.settd.start()
        asked = {"keys": keys, "value_bytes": value_bytes, "connections": 10, "depth": 10 if value_bytes > 10_000 else 50}
        self.settd.load(**asked, order="permutation")
        self.settd.load(**asked, count=2 * keys, seed=9)
        self.written_at = time.monotonic()

    def delete_some(self):
        result, _ = self.settd.load(op="del", order="permutation", keys=self.keys, count=self.keys * 45 // 100)
        self.live -= result["integer_sum"]
        self.written_at = time.monotonic()

    def ratios(self):
        live_bytes = self.live * self.entry_bytes
        return [each / live_bytes for each in self.settd.disk_bytes()]


def watch_space(bench, data, when):
    """Looks at all of them until two intervals have passed since each was last written to."""
    within = {each: None for each in data}
    waiting = list(data)
    while waiting:
        time.sleep(1)
        for each in list(waiting):
            age_s = time.monotonic() - each.written_at
            apparent, allocated = each.ratios()
            if max(apparent, allocated) > SPACE_BAR:
                within[each] = None
            elif within[each] is None:
                within[each] = age_s
            if age_s >= 2 * each.interval_s or (within[each] is not None and age_s - within[each] > 20):
                waiting.remove(each)
                reached = "never" if within[each] is None else f"after {within[each]:.0f} s"
                bench.report.add("space", f"{each.name}, {when}", max(apparent, allocated), "x live bytes", bar=("<=", SPACE_BAR),
                                 note=f"sizes {apparent:.3f}, blocks {allocated:.3f}; within the bar {reached}, GC interval "
                                      f"{each.interval_s} s; {each.live * each.entry_bytes >> 20} MB live")


def space(bench):
    data = []
    try:
        for value_bytes, keys in ((100, 8_000_000), (ABOVE_THRESHOLD_BYTES, 400_000), (64 << 10, 40_000)):
            data.append(AtRest(bench, value_bytes, bench.scaled(keys), bench.options.gc_interval))
        watch_space(bench, data, "overwritten")
        for each in data:
            each.delete_some()
        watch_space(bench, data, "45 % deleted")
    finally:
        for each in data:
            each.settd.remove()


def give_back(bench):
    for value_bytes in (100, 64 << 10):
        total = bench.scaled(2 << 30)
        keys = total // (KEY_BYTES + value_bytes)
        settd = Settd(bench.options, "give-back").start()
        try:
            depth = {"depth": 10, "connections": 10} if value_bytes > 10_000 else {}
            settd.load(keys=keys, order="permutation", value_bytes=value_bytes, **depth)
            deleted, used = settd.load(op="del", keys=keys, order="permutation")
            begin, reached_s = time.monotonic(), None
            while (age_s := time.monotonic() - begin) < 60:
                left = max(settd.disk_bytes()) / total
                if left >= 0.05:
                    reached_s = None
                elif reached_s is None:
                    reached_s = age_s
                time.sleep(1)
        finally:
            settd.remove()
        reached = "never" if reached_s is None else f"after {reached_s:.0f} s"
        bench.report.add("give_back", f"left of {total >> 20} MB of {value_bytes} B values 60 s after their deletion", left, "",
                         bar=("<=", 0.05), note=f"under 5 % {reached}; {deleted['operations_per_s']:.0f} DEL/s, "
                                               f"{used.cpu_ns / keys:.0f} ns of CPU each")


def restart(bench):
    total, value_bytes = bench.scaled(5 << 30), 1000
    keys = total // (KEY_BYTES + value_bytes)
    settd = Settd(bench.options, "restart").start()
    try:
        settd.load(keys=keys, order="sequential", value_bytes=value_bytes)
        settd.kill()
        begin = time.monotonic()
        settd.start(wait=False)
        first_s = wait_for_get(settd.server, b"%016d" % (keys - 1), value_bytes) - begin
        count = settd.call("DBSIZE")
        if count != keys:
            raise Failed(f"{count} keys after the restart instead of {keys}")
    finally:
        settd.remove()
    bench.report.add("restart", f"first GET answered after kill -9 at {total >> 20} MB", first_s, "s", bar=("<=", 2),
                     note="the key that was written last; all keys were there")


def wait_for_get(server, key, value_bytes):
    """The moment at which GET has brought the value."""
    while server.process.poll() is None:
        try:
            connection = resp.Connection(server.port, timeout_s=60)
        except OSError:
            time.sleep(0.002)
            continue
        with contextlib.closing(connection):
            reply = connection.call("GET", key)
        if not reply.is_error:
            if len(reply.value or b"") != value_bytes:
                raise Failed(f"GET answered {reply!r}")
            return time.monotonic()
        time.sleep(0.002)
    raise Failed(f"settd ended: {server.log_tail()}")


def cold_reads(bench):
    """Reads of data four times what the cgroup lets the process and its page cache have."""
    options = bench.options
    limit = max(96 << 20, int(options.memory_bytes * options.scale))
    for value_bytes, stored_bytes, bar in ((100, 75, 1.02), (8000, 8040, 2.02)):
        keys = 4 * limit // stored_bytes
        with contextlib.ExitStack() as stack:
            group, cap = limited(bench, stack, "cold_reads", limit)
            settd = Settd(options, "cold-reads", memory_bytes=limit // 2).start()
            stack.callback(settd.remove)
            settd.load(keys=keys, order="permutation", value_bytes=value_bytes)
            settd.settle()
            on_disk = settd.disk_bytes()[1]
            settd.reopen_cold(group)
            settd.load(op="get", keys=keys, count=min(keys, 200_000), seed=3, depth=10, seconds=60)
            where = f"values of {value_bytes} B"
            report_reads(bench, settd, {"keys": keys}, f"reads of a hit, {where}", bar,
                         f"{on_disk >> 20} MB on disk, {cap}")
            report_reads(bench, settd, {"keys": keys, "absent": True}, f"reads of a miss, {where}", 0.01, "")


def report_reads(bench, settd, asked, what, bar, note):
    before = settd.info()
    result, used = settd.load(op="get", count=bench.scaled(400_000), depth=10, seed=4, seconds=60, **asked)
    after = settd.info()
    count = result["operations"]
    if result["absent"] != (count if "absent" in asked else 0):
        raise Failed(f"{result['absent']} of {count} keys were absent")
    reads = sum(after[name] - before[name] for name in ("block_reads", "value_reads"))
    bytes_counted = sum(after[name] - before[name] for name in ("block_read_bytes", "value_read_bytes"))
    bench.report.add("cold_reads", what, reads / count, "reads", bar=("<=", bar),
                     note=f"{note} counted {bytes_counted / count:.0f} B a read, the system read {used.read / count:.0f} B; "
                          f"{result['operations_per_s']:.0f} GET/s, {used.cpu_ns / count:.0f} ns of CPU".strip())


def memory(bench):
    """Anonymous memory while 50 M keys are written, merged, and gone through with SCAN."""
    keys = bench.scaled(50_000_000)
    settd = Settd(bench.options, "memory", memory_bytes=bench.options.memory_bytes).start()
    sampler = measure.Sampler(lambda: measure.anonymous_bytes(settd.pid))
    sampler.start()
    try:
        for phase in ("fill", "merges", "SCAN of everything"):
            if phase == "fill":
                settd.load(keys=keys, order="permutation")
            elif phase == "merges":
                settd.settle()
            else:
                result, _ = settd.load(op="scan")
                if result["operations"] < keys:
                    raise Failed(f"SCAN gave {result['operations']} of {keys} keys")
            bench.report.add("memory", f"anonymous memory, {keys} keys, {phase}", sampler.take() / (1 << 20), "MB",
                             bar=("<=", bench.options.memory_bytes / (1 << 20)))
    finally:
        sampler.stop()
        settd.remove()


PARTS = {"space": space, "give_back": give_back, "restart": restart, "cold_reads": cold_reads, "memory": memory}
