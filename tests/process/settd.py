"""A settd binary and a directory for each test of this folder."""

import glob
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.support_py import resp, servers  # noqa: E402

SHIPPED_FILE = str(pathlib.Path(__file__).resolve().parents[2] / "config/sett.yaml")
START_SECONDS_MAX = 60

binary = None  # set by process_test.py


class SettdTest(unittest.TestCase):
    backend = None  # what keeps the data of the daemons that a test starts; None: the default

    def with_backend(self, arguments):
        return arguments if self.backend is None or "--store.backend" in arguments else (
            "--store.backend", self.backend, *arguments)

    def setUp(self):
        self.directory = servers.TemporaryDirectory("sett-process-")
        self.addCleanup(self.directory.__exit__, None, None, None)
        self.data = os.path.join(self.directory.path, "data")

    def start(self, *arguments, name="settd", port=None, data_dir=None, password=None):
        server = servers.start_settd(binary, self.directory.path, *self.with_backend(arguments), name=name, port=port,
                                     data_dir=data_dir or self.data)
        self.addCleanup(server.kill)
        return server.wait_ready(password=password)

    def connect(self, server):
        connection = resp.Connection(server.port)
        self.addCleanup(connection.close)
        return connection

    def run_settd(self, *arguments, **options):
        """A start that is expected to end by itself: (exit code, what it said)."""
        done = subprocess.run([binary, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd=self.directory.path, timeout=START_SECONDS_MAX, check=False,
                              **options)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def start_arguments(self, *more, port=None):
        return ["--server.port", str(port or servers.free_port()), "--server.bind", "127.0.0.1", "--server.data_dir",
                self.data, *self.with_backend(more)]

    def assert_refused(self, *arguments, says, **options):
        """The start ends with an exit code that is not 0, having said all of `says`, and no more than a few lines."""
        code, output = self.run_settd(*arguments, **options)
        self.assertGreater(code, 0, f"exit code {code}: {output}")
        for text in says:
            self.assertIn(text, output)
        self.assertLessEqual(output.count("\n"), 6, output)
        return output

    def contents(self):
        """{path: bytes} of the data directory."""
        found = {}
        for folder, _, names in os.walk(self.data):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = file.read()
        return found

    def size_on_disk(self):
        """Of all files of the data directory; some may come or go meanwhile."""
        found = 0
        for folder, _, names in os.walk(self.data):
            for name in names:
                try:
                    found += os.stat(os.path.join(folder, name)).st_size
                except FileNotFoundError:
                    pass
        return found

    def flip(self, pattern, offset):
        """Changes a bit of the first file of that pattern; its path."""
        path = sorted(glob.glob(os.path.join(self.data, pattern)))[0]
        with open(path, "r+b") as file:
            file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 0x40]))
        return path
