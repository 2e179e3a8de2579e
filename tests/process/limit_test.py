"""What the system does not give: descriptors, room on the disk."""

import os
import resource
import subprocess
import time

import settd
from tests.support_py import resp, servers

RESUME_SECONDS_MAX = 60


def limited_to(descriptors):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


class Descriptors(settd.SettdTest):
    backend = "simple_kv"

    def test_too_few_to_serve_anyone_is_one_line(self):
        for allowed in (16, 40, 64):
            self.assert_refused(*self.start_arguments(), says=["ulimit -n"], preexec_fn=limited_to(allowed))

    def test_few_lower_maxclients_and_the_store_goes_on(self):
        server = self.start("--simple_kv.wal_segment_size", "64kb")
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (96, 96))
        server.terminate()
        limit = ["prlimit", "--nofile=96:96"]
        server = servers.start_settd(settd.binary, self.directory.path, *self.with_backend(("--simple_kv.wal_segment_size", "64kb")),
                                     data_dir=self.data, prefix=limit, name="limited")
        self.addCleanup(server.kill)
        server.wait_ready()
        clients = []
        refused = 0
        for _ in range(60):
            try:
                client = resp.Connection(server.port)
                self.addCleanup(client.close)
                if client.call("PING").is_error:
                    refused += 1
                else:
                    clients.append(client)
            except (resp.Closed, OSError):
                refused += 1
        self.assertEqual(len(clients), 32)
        self.assertEqual(refused, 28)
        # The log rotates, snapshots are made: both need descriptors of their own.
        for i in range(2000):
            self.assertEqual(clients[i % len(clients)].call("SET", f"key:{i}", "x" * 1000).value, b"OK")
        self.assertEqual(clients[0].call("SAVE").value, b"OK")
        self.assertEqual(clients[0].call("DBSIZE").value, 2000)


class FullDisk(settd.SettdTest):
    backend = "simple_kv"
    arguments = ["--simple_kv.wal_segment_size", "4mb"]

    def setUp(self):
        super().setUp()
        self.disk = os.path.join(self.directory.path, "disk")
        os.mkdir(self.disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "sett-test", self.disk],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small disk: " + mounted.stdout.decode().strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)

    def fill(self, connection, then=lambda: None):
        """Writes until a write is refused, and does `then` after each; how many were not."""
        value = os.urandom(50_000)
        for i in range(2000):
            reply = connection.call("SET", f"key:{i}", value)
            if reply.is_error:
                self.assertTrue(reply.value.startswith(b"MISCONF") or b"space" in reply.value, reply)
                return i
            then()
        self.fail("a disk of 48 MB took 100 MB")

    def wait_for_a_write(self, connection, key):
        deadline = time.monotonic() + RESUME_SECONDS_MAX
        reply = connection.call("SET", key, "v" * 50_000)
        while reply.is_error and time.monotonic() < deadline:
            time.sleep(0.05)
            reply = connection.call("SET", key, "v" * 50_000)
        self.assertEqual(reply.raw, b"+OK\r\n")

    def test_a_full_disk_refuses_writes_only_until_there_is_room(self):
        ballast = os.path.join(self.disk, "ballast")
        with open(ballast, "wb") as file:
            file.write(b"x" * (20 << 20))
        server = self.start(*self.arguments, data_dir=os.path.join(self.disk, "data"))
        connection = self.connect(server)
        written = self.fill(connection)
        self.assertEqual(connection.call("DBSIZE").value, written)  # what was refused has changed nothing
        self.assertEqual(len(connection.call("GET", "key:0").value), 50_000)
        self.assertEqual(connection.call("DEL", "key:0").value, 1)
        self.assertEqual(connection.call("GET", "key:0").value, None)
        os.remove(ballast)
        self.wait_for_a_write(connection, "after")
        server.kill()
        connection = self.connect(self.start(*self.arguments, name="again", data_dir=os.path.join(self.disk, "data")))
        self.assertEqual(connection.call("DBSIZE").value, written)
        self.assertEqual(connection.call("EXISTS", "key:0", "key:1", "after").value, 2)


class BadgerFullDisk(FullDisk):
    backend = "badger"
    arguments = ["--badger.mem_table_size", "1mb", "--badger.value_threshold", "100kb"]

    def test_what_is_deleted_on_a_full_disk_makes_room(self):
        server = self.start(*self.arguments, data_dir=os.path.join(self.disk, "data"))
        connection = self.connect(server)
        written = self.fill(connection)
        for i in range(written):
            self.assertEqual(connection.call("DEL", f"key:{i}").value, 1)
        self.assertEqual(connection.call("DBSIZE").value, 0)
        # Room comes back as merges end, not all at once.
        deadline = time.monotonic() + RESUME_SECONDS_MAX
        while self.fill(connection) <= written // 2:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)

    def test_max_disk_size_is_kept(self):
        server = self.start(*self.arguments, "--badger.max_disk_size", "64mb")
        connection = self.connect(server)
        written = self.fill(connection, then=lambda: self.assertLess(self.size_on_disk(), 64 << 20))
        for _ in range(100):  # merges go on
            self.assertLess(self.size_on_disk(), 64 << 20)
            time.sleep(0.01)
        self.assertEqual(connection.call("DBSIZE").value, written)
