"""The bar about pauses: sustained overwriting beside a control on the same disk."""

import os
import threading
import time

from contestants import Settd

LATENCY_MS_MAX = 50


class Control(threading.Thread):
    """Appends 4 KB and syncs, again and again: the longest time by second of the clock."""

    def __init__(self, path, pause_s=0.02):
        super().__init__(daemon=True)
        self.path = path
        self.pause_s = pause_s
        self.longest_ms = {}
        self.stopping = threading.Event()

    def run(self):
        descriptor = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            while not self.stopping.wait(self.pause_s):
                begin, begin_unix = time.monotonic(), time.time()
                os.write(descriptor, b"c" * 4096)
                os.fdatasync(descriptor)
                took_ms = (time.monotonic() - begin) * 1e3
                for second in range(int(begin_unix), int(time.time()) + 1):
                    self.longest_ms[second] = max(self.longest_ms.get(second, 0), took_ms)
        finally:
            os.close(descriptor)
            os.unlink(self.path)

    def stop(self):
        self.stopping.set()
        self.join()


def sustained(bench):
    """Few requests under way, so that what is seen are pauses and not the queue before the one core."""
    keys = bench.scaled(2_000_000)
    settd = Settd(bench.options, "sustained").start()
    control = Control(os.path.join(bench.options.data, "control"))
    try:
        settd.load(keys=keys, order="permutation")
        settd.settle()
        control.start()
        result, used = settd.load(keys=keys, count=50 * keys, connections=4, depth=16, series=True,
                                  seconds=bench.options.limit / 2)
    finally:
        if control.is_alive():
            control.stop()
        settd.remove()
    begin_s = result["begin_unix_ms"] / 1000
    alone, explained = [], 0
    for index, (_, longest_us) in enumerate(result["series"]):
        if longest_us <= LATENCY_MS_MAX * 1000:
            continue
        first = int(begin_s + index - longest_us / 1e6)
        control_ms = max(control.longest_ms.get(second, 0) for second in range(first, int(begin_s + index + 1) + 1))
        if control_ms > LATENCY_MS_MAX:
            explained += 1
        else:
            alone.append(longest_us / 1e3)
    count = result["operations"]
    latency = result["latency_us"]
    bench.report.add("sustained", f"seconds with a SET over {LATENCY_MS_MAX} ms that the control does not show", len(alone), "",
                     bar=("<=", 0), note=f"of {len(result['series'])} s; explained by the control {explained}; longest "
                                         f"of the others {max(alone, default=0):.0f} ms; control's "
                                         f"longest {max(control.longest_ms.values()):.0f} ms")
    bench.report.add("sustained", "SET", result["operations_per_s"], "/s",
                     note=f"{count / keys:.1f} times the data; us: p50 {latency['p50']}, p99 {latency['p99']}, p999 "
                          f"{latency['p999']}, max {latency['max']}; {used.cpu_ns / count:.0f} ns of CPU per SET")


PARTS = {"sustained": sustained}
