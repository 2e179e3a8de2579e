"""Starts a daemon for client tests on a free loopback port, with a data directory of its own, and stops it again."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, line):
    """Sends one inline command and returns the first line of the reply."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(line.encode() + b"\r\n")
        with connection.makefile("rb") as replies:
            return replies.readline().decode().rstrip("\r\n")


class Daemon:
    """settd, or (kind "redis") redis-server, as a context: stopped with SIGTERM at its end, its files removed."""

    def __init__(self, binary, kind="settd", arguments=()):
        self.binary = pathlib.Path(binary).resolve()
        self.kind = kind
        self.arguments = list(arguments)

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sett-clients-"))
        try:
            for _ in range(5):  # another process may take the port between the probe and the start
                self.port = free_port()
                if self._start():
                    return self
            raise RuntimeError(f"{self.binary} does not start:\n{self.output()}")
        except BaseException:
            self._remove()
            raise

    def _command(self):
        if self.kind == "settd":
            return [str(self.binary), "--config", str(ROOT / "config/sett.yaml"), "--server.port", str(self.port),
                    "--server.bind", "127.0.0.1", "--server.data_dir", str(self.folder / "data")] + self.arguments
        # Debian's redis-check-rdb is the server's binary: the name that it is called by decides what it does.
        server = self.folder / "redis-server"
        if not server.exists():
            server.symlink_to(self.binary)
        return [str(server), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--dir", str(self.folder)] + self.arguments

    def _start(self):
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if ask(self.port, "PING") == "+PONG":
                    return self.process.poll() is None
            except OSError:
                pass
            time.sleep(0.02)
        self._kill()
        return False

    def output(self):
        return (self.folder / "output").read_text(errors="replace")[-20000:]

    def stop(self):
        """Asks for an orderly stop. Returns the exit code, or None if the daemon had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._kill()
                return None
        return self.process.returncode

    def _kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __exit__(self, *_):
        self._kill()
        self._remove()


def environment(daemon):
    return {**os.environ, "CLIENT_TEST_PORT": str(daemon.port), "CLIENT_TEST_KIND": daemon.kind}
