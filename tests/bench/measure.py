"""What a process has used: CPU in nanoseconds, memory and files in bytes."""

import dataclasses
import os
import threading

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def cpu_ns(pid):
    """CPU time of all threads that are alive, from schedstat; without that file in clock ticks of user and system time."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as text:
                total += int(text.read().split()[0])
        return total
    except OSError:
        with open(f"/proc/{pid}/stat", encoding="ascii") as text:
            fields = text.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK_NS


def anonymous_bytes(pid):
    """Resident anonymous memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        for line in text:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no RssAnon in /proc/PID/status")


def percentile(sorted_values, share):
    """The value below which that share of the values lies."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


@dataclasses.dataclass
class Usage:
    """What a process has used so far, or between two moments. `written` is what it gave to write calls, `dirtied` what of it
    (in whole pages) is to reach the disk, `read` what came from the disk."""
    cpu_ns: int = 0
    written: int = 0
    dirtied: int = 0
    read: int = 0

    def __sub__(self, other):
        return Usage(*(mine - theirs for mine, theirs in zip(dataclasses.astuple(self), dataclasses.astuple(other))))

    def __add__(self, other):
        return Usage(*(mine + theirs for mine, theirs in zip(dataclasses.astuple(self), dataclasses.astuple(other))))


def io_usage(pid):
    """The bytes of a process, also of one that has ended and is not waited for yet."""
    with open(f"/proc/{pid}/io", encoding="ascii") as text:
        fields = dict(line.split(": ") for line in text.read().splitlines())
    return Usage(0, int(fields["wchar"]), int(fields["write_bytes"]), int(fields["read_bytes"]))


def usage(pid):
    result = io_usage(pid)
    result.cpu_ns = cpu_ns(pid)
    return result


def files_below(path):
    """Paths of all files; those that vanish while it looks may be among them."""
    for folder, _, names in os.walk(path):
        for name in names:
            yield os.path.join(folder, name)


def disk_bytes(path):
    """(sum of the files' sizes, sum of their allocated blocks)."""
    apparent = allocated = 0
    for name in files_below(path):
        try:
            status = os.stat(name)
        except FileNotFoundError:
            continue
        apparent += status.st_size
        allocated += status.st_blocks * 512
    return apparent, allocated


def forget_cached(path):
    """Writes the files to the disk and has the system drop what it holds of them; of these files only."""
    for name in files_below(path):
        descriptor = os.open(name, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


class Sampler(threading.Thread):
    """Calls a function again and again and keeps the largest result since the last `take`."""

    def __init__(self, function, interval_s=0.1):
        super().__init__(daemon=True)
        self.function = function
        self.interval_s = interval_s
        self.largest = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(self.interval_s):
            self.largest = max(self.largest, self.function())

    def take(self):
        largest, self.largest = max(self.largest, self.function()), 0
        return largest

    def stop(self):
        self.stopping.set()
        self.join()
