#!/usr/bin/env python3
"""Measures settd beside redis-server in one run: a table, and JSON with --json. See README.md."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import measure  # noqa: E402
from support_py import resp, servers  # noqa: E402

SERVER_CORE, LOAD_CORE = "0", "1"
VALUE_BYTES = 100


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settd", help="path of settd; without it only redis-server is measured")
    parser.add_argument("--redis", help="path of redis-server or redis-check-rdb (default: the installed one)")
    parser.add_argument("--parts", default="load,memory,start,pauses")
    parser.add_argument("--depths", default="1,16,100")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each load, the servers in turn")
    parser.add_argument("--seconds", type=float, default=4.0, help="about how long each load lasts")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--settd-arg", action="append", default=[])
    parser.add_argument("--json", help="write the results there")
    return parser.parse_args(argv)


class Candidate:
    """One way to start one server; `open` starts it on an empty directory, `reopen` on what it left there."""

    def __init__(self, name, options, directory):
        self.name = name
        self.options = options
        self.directory = os.path.join(directory, name.replace(" ", "-"))
        self.server = None

    def open(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        return self.reopen()

    def reopen(self, wait=True):
        prefix = ["taskset", "-c", SERVER_CORE]
        if self.name.startswith("redis"):
            flags = ["--appendonly", "yes", "--appendfsync", "everysec"] if self.name == "redis everysec" else []
            self.server = servers.start_redis(servers.find_redis(self.options.redis), self.directory, *flags, prefix=prefix)
        else:
            flags = ["--server.threads", "1", *self.options.settd_arg]
            self.server = servers.start_settd(self.options.settd, self.directory, *flags, prefix=prefix)
        return self.server.wait_ready(120, poll_s=0.002) if wait else self.server

    def connect(self):
        return resp.Connection(self.server.port, timeout_s=120)

    def close(self):
        if self.server:
            self.server.terminate(60)
            self.server = None


def run_load(candidate, options, command, depth, requests):
    """(requests per second, server CPU in ns per request) of one redis-benchmark run."""
    words = ["taskset", "-c", LOAD_CORE, "redis-benchmark", "-p", str(candidate.server.port), "-t", command,
             "-n", str(requests), "-r", str(options.keys), "-d", str(VALUE_BYTES), "-c", str(options.clients),
             "-P", str(depth), "--csv"]
    before_ns = measure.cpu_ns(candidate.server.pid)
    output = subprocess.run(words, capture_output=True, text=True, timeout=600, check=True).stdout
    used_ns = measure.cpu_ns(candidate.server.pid) - before_ns
    rows = [line.split(",") for line in output.splitlines() if line.lower().startswith(f'"{command}"')]
    return float(rows[0][1].strip('"')), used_ns / requests


def fill(candidate, keys):
    """Sets the keys that redis-benchmark uses, all of them, in pipelines."""
    connection = candidate.connect()
    value = b"x" * VALUE_BYTES
    for begin in range(0, keys, 2000):
        commands = [[b"SET", b"key:%012d" % number, value] for number in range(begin, min(keys, begin + 2000))]
        errors = [reply for reply in connection.pipeline(commands) if reply.is_error]
        if errors:
            raise RuntimeError(f"{candidate.name} refused a key: {errors[0]!r}")
    count = connection.call("DBSIZE").value
    connection.close()
    if count != keys:
        raise RuntimeError(f"{candidate.name} has {count} keys instead of {keys}")


def measure_loads(candidates, options, results):
    """All servers run at once (idle ones cost nothing), so that repetitions can alternate between them."""
    for candidate in candidates:
        candidate.open()
        fill(candidate, options.keys)
    for command in ("set", "get"):
        for depth in [int(word) for word in options.depths.split(",")]:
            requests = {candidate.name: 200_000 * min(depth, 5) // 5 for candidate in candidates}
            for candidate in candidates:  # also warms up
                rate, _ = run_load(candidate, options, command, depth, requests[candidate.name])
                requests[candidate.name] = max(10_000, int(rate * options.seconds))
            runs = {candidate.name: [] for candidate in candidates}
            for _ in range(options.repeat):
                for candidate in candidates:
                    runs[candidate.name].append(run_load(candidate, options, command, depth, requests[candidate.name]))
            for name, measured in runs.items():
                results.append({"what": f"{command} depth {depth}", "server": name,
                                "requests_per_s": statistics.median(rate for rate, _ in measured),
                                "cpu_ns_per_request": statistics.median(cpu for _, cpu in measured),
                                "cpu_ns_all": [round(cpu) for _, cpu in measured]})
    for candidate in candidates:
        candidate.close()


def measure_memory(candidates, options, results):
    for candidate in candidates:
        candidate.open()
        before = measure.anonymous_bytes(candidate.server.pid)
        fill(candidate, options.keys)
        time.sleep(1)
        per_key = (measure.anonymous_bytes(candidate.server.pid) - before) / options.keys
        raw = len(b"key:%012d" % 0) + VALUE_BYTES
        results.append({"what": "memory", "server": candidate.name, "bytes_per_key": per_key,
                        "overhead_bytes_per_key": per_key - raw})
        candidate.close()


def measure_start(candidates, options, results):
    """From the start of the process to the first PONG, after an ordinary end with all keys."""
    for candidate in candidates:
        candidate.open()
        fill(candidate, options.keys)
        connection = candidate.connect()
        connection.call("SAVE")
        connection.close()
        candidate.close()
        times_s = []
        for _ in range(3):
            begin = time.monotonic()
            candidate.reopen(wait=False).wait_ready(300, poll_s=0.002)
            times_s.append(time.monotonic() - begin)
            connection = candidate.connect()
            count = connection.call("DBSIZE").value
            connection.close()
            if count != options.keys:
                raise RuntimeError(f"{candidate.name} came back with {count} keys instead of {options.keys}")
            candidate.close()
        results.append({"what": "start", "server": candidate.name, "start_s": statistics.median(times_s)})


class Prober(threading.Thread):
    """GETs one at a time and notes (moment, latency)."""

    def __init__(self, candidate, keys):
        super().__init__(daemon=True)
        self.connection = candidate.connect()
        self.keys = keys
        self.samples = []
        self.stopping = False

    def run(self):
        number = 1
        while not self.stopping:
            number = number * 48271 % 0x7FFFFFFF
            request = resp.encode([b"GET", b"key:%012d" % (number % self.keys)])
            begin = time.perf_counter()
            self.connection.send(request)
            self.connection.read_reply()
            end = time.perf_counter()
            self.samples.append((begin, end - begin))

    def stop(self):
        self.stopping = True
        self.join(30)
        self.connection.close()


def save_in_progress(connection):
    info = connection.call("INFO", "persistence").value
    return b"rdb_bgsave_in_progress:1" in info


def latencies_us(samples, begin, end):
    inside = sorted(latency * 1e6 for moment, latency in samples if begin <= moment < end)
    if not inside:
        return {"samples": 0}
    return {"samples": len(inside), "p50_us": measure.percentile(inside, 0.5), "p999_us": measure.percentile(inside, 0.999),
            "max_us": inside[-1]}


def measure_pauses(candidates, options, results):
    """GET latency with writes going on, quiet and while BGSAVE runs."""
    for candidate in candidates:
        candidate.open()
        fill(candidate, options.keys)
        connection = candidate.connect()
        while save_in_progress(connection):
            time.sleep(0.05)
        load = subprocess.Popen(["taskset", "-c", LOAD_CORE, "redis-benchmark", "-p", str(candidate.server.port), "-t", "set",
                                 "-n", "100000000", "-r", str(options.keys), "-d", str(VALUE_BYTES), "-c", "2", "-q"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        prober = Prober(candidate, options.keys)
        try:
            prober.start()
            time.sleep(0.5)
            quiet_begin = time.perf_counter()
            time.sleep(options.seconds)
            quiet_end = time.perf_counter()
            spans = []
            for _ in range(3):
                begin = time.perf_counter()
                reply = connection.call("BGSAVE")
                if reply.is_error:
                    raise RuntimeError(f"BGSAVE answered {reply!r}")
                deadline = time.monotonic() + 120
                while save_in_progress(connection) and time.monotonic() < deadline:
                    time.sleep(0.002)
                spans.append((begin, time.perf_counter()))
                time.sleep(0.3)
        finally:
            load.kill()
            load.wait()
            prober.stop()
        samples = list(prober.samples)
        during = [sample for begin, end in spans for sample in samples if begin <= sample[0] < end]
        results.append({"what": "pauses", "server": candidate.name,
                        "quiet": latencies_us(samples, quiet_begin, quiet_end),
                        "bgsave": latencies_us(during, 0, float("inf")),
                        "bgsave_s": statistics.median(end - begin for begin, end in spans)})
        connection.close()
        candidate.close()


def print_table(results):
    base = {row["what"]: row for row in results if row["server"] == "redis"}
    loads = [row for row in results if "requests_per_s" in row]
    if loads:
        print(f"{'load':16} {'server':16} {'requests/s':>12} {'CPU ns/request':>15} {'of redis':>9}")
        for row in loads:
            ratio = row["cpu_ns_per_request"] / base[row["what"]]["cpu_ns_per_request"]
            print(f"{row['what']:16} {row['server']:16} {row['requests_per_s']:12.0f} {row['cpu_ns_per_request']:15.0f} "
                  f"{ratio:9.2f}")
    for row in results:
        if row["what"] == "memory":
            print(f"{'memory':16} {row['server']:16} {row['bytes_per_key']:8.1f} B/key, {row['overhead_bytes_per_key']:.1f} B "
                  "beyond the raw bytes")
        elif row["what"] == "start":
            print(f"{'start':16} {row['server']:16} {row['start_s']:8.2f} s")
        elif row["what"] == "pauses":
            quiet, save = [" ".join(f"{key} {value:.0f}" for key, value in row[name].items()) for name in ("quiet", "bgsave")]
            print(f"{'GET latency':16} {row['server']:16} quiet: {quiet}; BGSAVE ({row['bgsave_s']:.2f} s): {save}")


def run(options):
    results = []
    parts = {"load": measure_loads, "memory": measure_memory, "start": measure_start, "pauses": measure_pauses}
    unknown = set(options.parts.split(",")) - set(parts)
    if unknown:
        sys.exit(f"unknown parts {sorted(unknown)}; known are {sorted(parts)}")
    with servers.TemporaryDirectory("bench-") as directory:
        names = ["redis", "redis everysec"] + (["settd"] if options.settd else [])
        candidates = [Candidate(name, options, directory.path) for name in names]
        try:
            for part in options.parts.split(","):
                parts[part](candidates, options, results)
        finally:
            for candidate in candidates:
                candidate.close()
    print_table(results)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as text:
            json.dump({"keys": options.keys, "clients": options.clients, "value_bytes": VALUE_BYTES, "cores": os.cpu_count(),
                       "results": results}, text, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(run(parse_arguments(sys.argv[1:])))
