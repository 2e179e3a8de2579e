"""Signals: an orderly end under load that loses nothing, and reload."""

import os
import signal
import threading
import time

import settd
from tests.support_py import resp

STOP_SECONDS_MAX = 30  # the ten of shutdown_timeout, and what a sanitizer makes of the rest


class Writer(threading.Thread):
    """Writes numbered keys in a pipeline until the server is gone; `acknowledged` is how many it knows of."""

    def __init__(self, port, name):
        super().__init__()
        self.connection = resp.Connection(port)
        self.name = name
        self.acknowledged = 0

    def run(self):
        depth = 16
        sent = 0
        try:
            while True:
                commands = [("SET", f"{self.name}:{sent + i}", str(sent + i)) for i in range(depth)]
                self.connection.send(b"".join(resp.encode([resp.to_bytes(word) for word in words]) for words in commands))
                sent += depth
                for _ in commands:
                    if self.connection.read_reply().raw != b"+OK\r\n":
                        return
                    self.acknowledged += 1
        except (resp.Closed, OSError):
            pass
        finally:
            self.connection.close()


class StopsUnderLoad(settd.SettdTest):
    def stops_under_load(self, number, *arguments):
        server = self.start(*arguments)
        writers = [Writer(server.port, f"w{i}") for i in range(4)]
        for writer in writers:
            writer.start()
        while min(writer.acknowledged for writer in writers) < 500:
            time.sleep(0.01)
        os.kill(server.pid, number)
        self.assertEqual(server.process.wait(timeout=STOP_SECONDS_MAX), 0, server.log_tail())
        for writer in writers:
            writer.join(timeout=STOP_SECONDS_MAX)
        connection = self.connect(self.start(*arguments, name="again"))
        for writer in writers:
            lost = [i for i in range(writer.acknowledged)
                    if connection.call("GET", f"{writer.name}:{i}").value != str(i).encode()]
            self.assertEqual(lost, [], f"of {writer.acknowledged}")


class Signals(StopsUnderLoad):
    def test_sigterm_under_load(self):
        self.stops_under_load(signal.SIGTERM)

    def test_sigint_under_load_with_sync_writes(self):
        self.stops_under_load(signal.SIGINT, "--simple_kv.sync_writes", "true")

    def test_sigterm_with_idle_and_half_spoken_clients(self):
        server = self.start()
        self.connect(server)
        half = self.connect(server)
        half.send(b"*3\r\n$3\r\nSET\r\n$1\r\n")
        self.assertEqual(server.terminate(STOP_SECONDS_MAX), 0, server.log_tail())

    def test_sighup_reloads_what_it_can_and_names_what_it_cannot(self):
        path = os.path.join(self.directory.path, "sett.yaml")

        def write(maxclients, threads, requirepass):
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"server:\n  maxclients: {maxclients}\n  threads: {threads}\n  requirepass: '{requirepass}'\n")

        def reloaded(server, wanted):
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and wanted not in server.log_tail():
                time.sleep(0.02)
            self.assertIn(wanted, server.log_tail())

        write(100, 1, "")
        server = self.start("--config", path)
        connection = self.connect(server)
        self.assertEqual(connection.call("CONFIG", "SET", "timeout", "77").value, b"OK")
        write(200, 2, "")
        os.kill(server.pid, signal.SIGHUP)
        reloaded(server, "configuration reloaded")
        self.assertIn("server.threads", server.log_tail())
        self.assertEqual(connection.call("CONFIG", "GET", "maxclients").value[1].value, b"200")
        # What CONFIG SET has changed since stays, as the file says nothing new of it.
        self.assertEqual(connection.call("CONFIG", "GET", "timeout").value[1].value, b"77")
        for make_unfit in (lambda: open(path, "w", encoding="utf-8").close(), lambda: (os.remove(path), os.mkfifo(path))):
            make_unfit()
            os.kill(server.pid, signal.SIGHUP)
            reloaded(server, "nothing in it")
            self.assertEqual(self.connect(server).call("CONFIG", "GET", "maxclients").value[1].value, b"200")
        os.remove(path)
        write("many", 2, "")
        os.kill(server.pid, signal.SIGHUP)
        reloaded(server, "maxclients: ")
        self.assertEqual(connection.call("CONFIG", "GET", "maxclients").value[1].value, b"200")
