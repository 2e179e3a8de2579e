"""What settd does beside serving, on files that no daemon has open."""

import glob
import os

import settd

SIMPLE_KV = ("--store.backend=simple_kv",)
BADGER = ("--store.backend=badger", "--badger.value_threshold=64")


class Offline(settd.SettdTest):
    def filled(self, *arguments):
        """A data directory with a snapshot and a log behind it, of a settd that was stopped."""
        server = self.start(*arguments)
        connection = self.connect(server)
        for i in range(100):
            self.assertEqual(connection.call("SET", f"key:{i}", "v" * (15 + i)).value, b"OK")
        self.assertEqual(connection.call("SAVE").value, b"OK")
        for i in range(100):
            connection.call("SET", f"later:{i}", "v" * 100)
        self.assertEqual(server.terminate(), 0)

    def test_inspect_prints_each_kind_of_file(self):
        self.filled(*BADGER)
        for pattern, says in (("badger/wal/*.wal", "later:99"), ("badger/tables/*.table", "key:7"),
                              ("badger/values/*.vlog", "key:99"), ("badger/MANIFEST", "level ")):
            with self.subTest(pattern=pattern):
                path = sorted(glob.glob(os.path.join(self.data, pattern)))[-1]
                code, output = self.run_settd("inspect", path)
                self.assertEqual(code, 0, output)
                self.assertIn(says, output)
        self.assert_refused("inspect", "/dev/null", says=["/dev/null"])

    def test_verify_finds_what_is_damaged(self):
        for backend, arguments, patterns in (
                ("simple_kv", SIMPLE_KV, ("last_state/MANIFEST", "last_state/*.snapshot", "wal/*.wal")),
                ("badger", BADGER, ("MANIFEST", "tables/*.table", "values/*.vlog", "wal/*.wal"))):
            with self.subTest(backend=backend):
                self.data = os.path.join(self.directory.path, backend)
                self.filled(*arguments)
                files = self.contents()
                where = ("--server.data_dir", self.data)
                code, output = self.run_settd("verify", *where)
                self.assertEqual(code, 0, output)
                self.assertIn(" 0 damaged places", output)
                for pattern in patterns:
                    path = self.flip(f"{backend}/{pattern}", 100 if pattern == "wal/*.wal" else 20)
                    damaged = self.contents()
                    code, output = self.run_settd("verify", *where)
                    self.assertEqual(code, 1, output)
                    self.assertIn(f"DAMAGED  {path}", output)
                    self.assertEqual(self.contents(), damaged)
                    with open(path, "wb") as file:
                        file.write(files[path])

    def test_verify_of_an_open_store_is_refused(self):
        self.start()
        self.assert_refused("verify", "--server.data_dir", self.data, says=["another process has this store open"])
        code, output = self.run_settd("verify", "--server.data_dir", os.path.join(self.directory.path, "nothing"))
        self.assertEqual(code, 0, output)
        self.assertIn("no store has files here", output)

    def test_backup_and_restore(self):
        for backend, arguments in (("simple_kv", SIMPLE_KV), ("badger", BADGER)):
            with self.subTest(backend=backend):
                self.data = os.path.join(self.directory.path, "backup-" + backend)
                server = self.start(*arguments)
                connection = self.connect(server)
                for i in range(200):
                    connection.call("SET", f"key:{i}", "v" * i, "PX", "1" if i == 7 else "10000000")
                self.assertEqual(connection.call("BACKUP", "first").value, b"OK")
                for i in range(100, 300):
                    connection.call("SET", f"key:{i}", "w" * 100)
                connection.call("DEL", "key:3")
                self.assertEqual(connection.call("BACKUP", "second").value, b"OK")
                info = connection.call("INFO", "persistence").value.decode()
                self.assertIn("backup_last_status:ok", info)
                self.assertNotIn("backup_last_ms:0", info)
                connection.call("FLUSHALL")
                self.assert_refused("restore", "first", "--server.data_dir", self.data,
                                    says=["another process has this store open"])
                self.assertEqual(server.terminate(), 0)
                where = ("--server.data_dir", self.data)
                for name, keys, key, length in (("first", 199, "key:3", 3), ("second", 298, "key:250", 100),
                                                ("first", 199, "key:150", 150)):
                    code, output = self.run_settd("verify", "--backup", name, *where)
                    self.assertEqual(code, 0, output)
                    code, output = self.run_settd("restore", name, *where)
                    self.assertEqual(code, 0, output)
                    code, output = self.run_settd("verify", *where)
                    self.assertEqual(code, 0, output)
                    server = self.start(*arguments, name="again")
                    connection = self.connect(server)
                    self.assertEqual(connection.call("DBSIZE").value, keys)
                    self.assertEqual(connection.call("STRLEN", key).value, length)
                    connection.call("SET", "more", "m" * 1000)
                    self.assertEqual(server.terminate(), 0)
                self.flip("backups/second/BACKUP", 30)
                self.assert_refused("verify", "--backup", "second", *where, says=["DAMAGED"])
                self.assert_refused("restore", "second", *where, says=["BACKUP"])

    def test_repair_keeps_what_checks(self):
        for backend, arguments, patterns in (
                ("simple_kv", SIMPLE_KV, ("last_state/MANIFEST", "last_state/*.snapshot", "wal/*.wal")),
                ("badger", BADGER, ("MANIFEST", "tables/*.table", "values/*.vlog", "wal/*.wal"))):
            for pattern in patterns:
                with self.subTest(backend=backend, pattern=pattern):
                    self.data = os.path.join(self.directory.path, f"{backend}-{pattern.replace('/', '-').strip('*')}")
                    self.filled(*arguments)
                    path = self.flip(f"{backend}/{pattern}", 5000 if pattern.endswith(("vlog", "wal")) else 40)
                    with open(path, "rb") as file:
                        damaged = file.read()
                    where = ("--server.data_dir", self.data)
                    code, output = self.run_settd("repair", *where)
                    self.assertEqual(code, 0, output)
                    self.assertIn(f"DAMAGED  {path}", output)
                    self.assertIn(" keys were kept", output)
                    code, verified = self.run_settd("verify", *where)
                    self.assertEqual(code, 0, verified)
                    kept = os.path.join(self.data, backend, "damaged", os.path.relpath(path, f"{self.data}/{backend}"))
                    with open(kept, "rb") as file:
                        self.assertEqual(file.read(), damaged)
                    server = self.start(*arguments, name="again")
                    connection = self.connect(server)
                    buckets = [bucket.value for bucket in connection.call("BUCKET.LIST").value]
                    keys = sum(connection.call("BUCKET.INFO", bucket).value[1].value for bucket in buckets)
                    self.assertIn(f" {keys} keys were kept", output)
                    # A block of a table or a snapshot may be most of it here; else it is one key.
                    least = 100 if "table" in pattern or "snapshot" in pattern else 199
                    self.assertGreaterEqual(keys, 200 if "MANIFEST" in pattern else least, output)
                    self.assertEqual(connection.call("SET", "more", "m" * 1000).value, b"OK")
                    self.assertEqual(server.terminate(), 0)
                    self.assert_refused("repair", "--nonsense", says=["nonsense"])
                    code, output = self.run_settd("repair", *where)
                    self.assertEqual(code, 0, output)
                    self.assertIn("nothing is damaged", output)

    def test_backup_says_what_is_wrong(self):
        server = self.start(*BADGER)
        connection = self.connect(server)
        for name in ("", "..", "a/b", ".hidden", "n" * 129):
            self.assertIn("invalid backup name", str(connection.call("BACKUP", name).value))
        self.assertEqual(connection.call("BACKUP", "once").value, b"OK")
        self.assertIn("exists already", str(connection.call("BACKUP", "once").value))
