"""A memory limit for a process and for the page cache that it fills, where the system lets us make one (cgroup v2 or v1)."""

import os

V2_ROOT, V1_ROOT = "/sys/fs/cgroup", "/sys/fs/cgroup/memory"


class NotPossible(Exception):
    """Why there can be no such limit here."""


class Cgroup:
    """Made with its limit, removed by close(), when no process is in it any more."""

    def __init__(self, name, limit_bytes):
        is_v2 = False
        try:
            with open(f"{V2_ROOT}/cgroup.controllers", encoding="ascii") as text:
                is_v2 = "memory" in text.read().split()
        except OSError:
            pass
        self.path = os.path.join(V2_ROOT if is_v2 else V1_ROOT, f"{name}-{os.getpid()}")
        self.has_io = is_v2
        try:
            os.mkdir(self.path)
            with open(os.path.join(self.path, "memory.max" if is_v2 else "memory.limit_in_bytes"), "w", encoding="ascii") as text:
                text.write(str(limit_bytes))
        except OSError as error:
            self.close()
            raise NotPossible(f"no memory cgroup can be made: {error}") from error

    def prefix(self):
        """Put in front of a command, runs it inside."""
        return ["sh", "-c", 'echo $$ > "$0"/cgroup.procs && exec "$@"', self.path]

    def close(self):
        try:
            os.rmdir(self.path)
        except OSError:
            pass
