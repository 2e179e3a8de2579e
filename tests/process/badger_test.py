"""badger as a process: damaged and missing files, a second process, an orderly end under load."""

import glob
import os
import shutil
import signal

import settd
import signal_test
from tests.support_py import resp

SMALL = ["--store.backend", "badger", "--badger.mem_table_size", "1mb", "--badger.value_threshold", "64",
         "--badger.value_log_file_size", "1mb"]
KEYS = 100


class BadgerFiles(settd.SettdTest):
    def filled_data(self):
        """A data directory with a table, value logs and a log behind them, of a settd that was killed."""
        server = self.start(*SMALL)
        connection = self.connect(server)
        for i in range(KEYS):
            self.assertEqual(connection.call("SET", f"key:{i}", "v" * (20 if i % 2 else 2000)).value, b"OK")
        self.assertEqual(connection.call("SAVE").value, b"OK")
        for i in range(KEYS):
            connection.call("SET", f"later:{i}", "v" * (20 if i % 2 else 2000))
        server.kill()

    def assert_refused_unchanged(self, says):
        damaged = self.contents()
        output = self.assert_refused(*self.start_arguments(*SMALL), says=says)
        self.assertNotIn("ready", output)
        self.assertEqual(self.contents(), damaged)

    def assert_whole(self):
        connection = self.connect(self.start(*SMALL))
        self.assertEqual(connection.call("DBSIZE").value, 2 * KEYS)
        for i in range(KEYS):
            for key in (f"key:{i}", f"later:{i}"):
                self.assertEqual(connection.call("STRLEN", key).value, 20 if i % 2 else 2000)

    def test_a_damaged_manifest_or_log_stops_the_start_and_stays_as_it_is(self):
        self.filled_data()
        for pattern, offset in (("MANIFEST", 20), ("wal/*.wal", 100)):
            with self.subTest(pattern):
                files = self.contents()
                path = self.flip(f"badger/{pattern}", offset)
                self.assert_refused_unchanged([os.path.basename(path)])
                with open(path, "wb") as file:
                    file.write(files[path])
        self.assert_whole()

    def test_a_value_or_block_that_is_damaged_is_an_error_and_never_a_wrong_value(self):
        for pattern, offset in (("values/*.vlog", 3000), ("tables/*.table", 300)):
            with self.subTest(pattern):
                self.data = os.path.join(self.directory.path, pattern.replace("/", "_").replace("*", ""))
                self.filled_data()
                self.flip(f"badger/{pattern}", offset)
                connection = self.connect(self.start(*SMALL))
                replies = [connection.call("GET", f"key:{i}") for i in range(KEYS)]
                wrong = [reply for i, reply in enumerate(replies)
                         if not reply.is_error and reply.value != b"v" * (20 if i % 2 else 2000)]
                self.assertEqual(wrong, [])
                self.assertTrue(any(reply.is_error for reply in replies))
                self.assertEqual(connection.call("GET", f"later:{KEYS - 1}").value, b"v" * 20)

    def test_what_is_lost_is_no_empty_store(self):
        for pattern in ("wal", "MANIFEST", "values"):
            with self.subTest(pattern):
                self.data = os.path.join(self.directory.path, pattern)
                self.filled_data()
                for path in glob.glob(os.path.join(self.data, "badger", pattern)):
                    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
                self.assert_refused(*self.start_arguments(*SMALL), says=["badger"])

    def test_in_memory_nothing_is_saved_and_files_are_left_alone(self):
        self.filled_data()
        files = self.contents()
        server = self.start(*SMALL, "--badger.memory_mode", "true")
        connection = self.connect(server)
        self.assertEqual(connection.call("DBSIZE").value, 0)
        for i in range(2000):
            self.assertEqual(connection.call("SET", f"key:{i}", "v" * (20 if i % 2 else 2000)).value, b"OK")
        self.assertEqual(connection.call("DBSIZE").value, 2000)
        self.assertEqual(connection.call("STRLEN", "key:8").value, 2000)
        self.assertIn(b"nothing is saved", connection.call("SAVE").value)
        self.assertEqual(connection.call("CONFIG", "GET", "appendonly").value[1].value, b"no")
        server.terminate()
        self.assertEqual(self.contents(), files)
        self.assert_whole()

    def test_a_second_process_is_refused(self):
        self.start(*SMALL)
        self.assert_refused(*self.start_arguments(*SMALL), says=[os.path.join(self.data, "badger"), "another process"])


class BadgerSignals(signal_test.StopsUnderLoad):
    def test_sigterm_under_load_while_tables_are_written(self):
        self.stops_under_load(signal.SIGTERM, *SMALL)

    def test_sigterm_under_load_with_sync_writes(self):
        self.stops_under_load(signal.SIGTERM, *SMALL, "--badger.sync_writes", "true")

    def test_what_was_written_is_there_after_many_kills(self):
        for start in range(5):
            server = self.start(*SMALL, name=f"start{start}")
            connection = self.connect(server)
            self.assertEqual(connection.call("DBSIZE").value, 600 * start)
            connection.send(b"".join(resp.encode([b"SET", b"%d:%d" % (start, i), b"x" * 3000]) for i in range(600)))
            for _ in range(600):
                self.assertEqual(connection.read_reply().raw, b"+OK\r\n")
            server.kill()

    def test_buckets_have_folders_and_the_layout_may_change(self):
        for start in range(4):
            by_bucket = start % 2 == 0
            server = self.start(*SMALL, "--badger.single_bucket_mode", str(not by_bucket).lower(), name=f"layout{start}")
            connection = self.connect(server)
            for bucket in range(3):
                connection.call("SELECT", bucket)
                self.assertEqual(connection.call("DBSIZE").value, 300 if start else 0)
                connection.send(b"".join(resp.encode([b"SET", b"%d" % i, b"x" * 50]) for i in range(300)))
                for _ in range(300):
                    self.assertEqual(connection.read_reply().raw, b"+OK\r\n")
            self.assertGreaterEqual(connection.call("BADGER.COMPACT").value, 0)
            names = os.listdir(os.path.join(self.data, "badger", "tables"))
            self.assertIn(not by_bucket, {name.endswith(".table") for name in names}, names)
            if start == 0:
                self.assertEqual(len(names), 3, names)
            server.kill()

    def test_a_key_that_moves_between_backends_is_in_one_of_them_after_a_kill(self):
        path = os.path.join(self.directory.path, "two.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("store: {backend: simple_kv}\nbuckets: {'1': {backend: badger}}\n")
        keys = 3000
        server = self.start("--config", path, name="fill")
        connection = self.connect(server)
        connection.send(b"".join(resp.encode([b"SET", b"k%d" % i, b"v%d" % i]) for i in range(keys)))
        for _ in range(keys):
            self.assertEqual(connection.read_reply().raw, b"+OK\r\n")
        server.kill()
        moved = 0
        for start in range(4):
            server = self.start("--config", path, name=f"move{start}")
            connection = self.connect(server)
            connection.send(b"".join(resp.encode([b"MOVE", b"k%d" % i, b"1"]) for i in range(keys)))
            for _ in range(200):
                connection.read_reply()
            server.kill()
            server = self.start("--config", path, name=f"look{start}")
            connection = self.connect(server)
            here = connection.call("MGET", *(f"k{i}" for i in range(keys))).value
            connection.call("SELECT", "1")
            there = connection.call("MGET", *(f"k{i}" for i in range(keys))).value
            for i in range(keys):
                values = {reply.value for reply in (here[i], there[i])} - {None}
                self.assertEqual(values, {b"v%d" % i}, f"key {i}")
            moved = sum(reply.value is not None for reply in there)
            server.kill()
        self.assertGreaterEqual(moved, 200)
