"""Starting and ending the servers that the tests talk to: settd, and Debian's redis-server.

Every server listens on loopback at a free port, keeps its data in a directory of its own and is ended by
its process id.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from . import resp


def free_port():
    """A loopback port that was free a moment ago, outside the range that the kernel hands to clients."""
    rng = random.SystemRandom()
    for _ in range(200):
        port = rng.randrange(10240, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free loopback port found")


class StartFailed(Exception):
    """The process ended, or did not answer PING in time. The message holds the end of its output."""


class Server:
    """A child process. `command` starts it; `log_path` receives its output."""

    def __init__(self, name, command, port, directory, environment=None):
        self.name = name
        self.command = command
        self.port = port
        self.directory = directory
        self.log_path = os.path.join(directory, f"{name}.log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                                            env=environment)

    @property
    def pid(self):
        return self.process.pid

    def log_tail(self, bytes_max=2000):
        with open(self.log_path, "rb") as log:
            log.seek(max(0, os.path.getsize(self.log_path) - bytes_max))
            return log.read().decode("utf-8", "replace")

    def is_ready(self, password=None):
        """True once PING gets an answer that is not -LOADING (without the password, a demand for it is one)."""
        try:
            connection = resp.Connection(self.port, timeout_s=5)
        except OSError:
            return False
        try:
            if password:
                connection.call("AUTH", password)
            reply = connection.call("PING")
            return not (reply.is_error and reply.value.startswith(b"LOADING"))
        except (resp.Closed, OSError):
            return False
        finally:
            connection.close()

    def wait_ready(self, limit_s=60.0, poll_s=0.01, password=None):
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise StartFailed(f"{self.name} ended with {self.process.returncode}: {self.log_tail()}")
            if self.is_ready(password):
                return self
            time.sleep(poll_s)
        raise StartFailed(f"{self.name} not ready after {limit_s} s: {self.log_tail()}")

    def kill(self):
        """kill -9, and waits for the end."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait(timeout=60)

    def terminate(self, limit_s=10.0):
        """SIGTERM; the exit code, or None (and a kill -9) if it has not ended within limit_s."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        try:
            return self.process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return None


def find_redis(path=None):
    """The path of a redis-server binary or None. redis-check-rdb of Debian's redis-tools is the same binary."""
    candidates = [path] if path else ["redis-server", "redis-check-rdb"]
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return os.path.realpath(found)
    return None


def redis_command(path, port, directory, *options):
    """The command line of a redis-server without persistence, unless the options say otherwise.

    The binary acts as a server when its name is redis-server, so it is started through a link of that name.
    """
    link = os.path.join(directory, "redis-server")
    if not os.path.islink(link):
        os.symlink(path, link)
    return [link, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "no",
            "--enable-debug-command", "yes", *options]


def start_redis(path, directory, *options, name="redis", prefix=(), port=None):
    port = port or free_port()
    return Server(name, [*prefix, *redis_command(path, port, directory, *options)], port, directory)


def start_settd(path, directory, *options, name="settd", prefix=(), port=None, data_dir=None):
    port = port or free_port()
    command = [*prefix, os.path.abspath(path), "--server.port", str(port), "--server.data_dir",
               data_dir or os.path.join(directory, "data"), *options]
    return Server(name, command, port, directory)


def run_unit_tests():
    """Runs the tests of the main module; the exit code: 0, 1, or 77 (for ctest: skipped) if some could not run."""
    result = unittest.main(exit=False).result
    for _, reason in result.skipped:
        print(f"skipped: {reason}")
    return 1 if not result.wasSuccessful() else 77 if result.skipped else 0


class TemporaryDirectory:
    """A directory that is removed at the end, or kept after a failure for those who look into it."""

    def __init__(self, prefix):
        self.path = tempfile.mkdtemp(prefix=prefix)
        self.keep = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)
