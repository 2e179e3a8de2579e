"""Starts that must be refused: with a reason, an exit code, and nothing changed on disk."""

import glob
import os
import shutil
import socket

import settd
from tests.support_py import servers


class Refusals(settd.SettdTest):
    backend = "simple_kv"

    def write(self, name, text):
        path = os.path.join(self.directory.path, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def filled_data(self, *arguments):
        """A data directory with a snapshot and a log behind it, of a settd that was killed."""
        server = self.start(*arguments)
        connection = self.connect(server)
        for i in range(100):
            self.assertEqual(connection.call("SET", f"key:{i}", "v" * 1000).value, b"OK")
        self.assertEqual(connection.call("SAVE").value, b"OK")
        for i in range(100):
            connection.call("SET", f"later:{i}", "v" * 1000)
        server.kill()

    def test_unknown_flag(self):
        self.assert_refused("--server.prot", "7000", says=["server.prot"])

    def test_bad_yaml_names_file_and_line(self):
        path = self.write("bad.yaml", "server:\n  port: 6379\n   threads: 2\n")
        self.assert_refused("--config", path, says=[f"{path}:"])

    def test_unknown_setting_names_line_and_what_is_allowed(self):
        path = self.write("bad.yaml", "server:\n  prot: 6379\n")
        self.assert_refused("--config", path, says=[f"{path}:2", "prot", "port"])

    def test_value_out_of_range_names_the_range(self):
        path = self.write("bad.yaml", "store:\n  shards: 100000\n")
        self.assert_refused("--config", path, says=[f"{path}:2", "store.shards", "1024"])

    def test_unknown_backend_lists_the_known(self):
        path = self.write("bad.yaml", "store:\n  backend: rocks\n")
        self.assert_refused("--config", path, says=["rocks", "simple_kv", "memory"])

    def test_missing_file(self):
        self.assert_refused("--config", "/nonexistent/sett.yaml", says=["/nonexistent/sett.yaml"])

    def test_port_taken(self):
        port = servers.free_port()
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", port))
            holder.listen()
            self.assert_refused(*self.start_arguments(port=port), says=[str(port)])

    def test_log_file_that_cannot_be_written(self):
        self.assert_refused(*self.start_arguments("--log.file", "/proc/nonexistent/sett.log"), says=["log.file"])

    def test_data_directory_in_use(self):
        self.start()
        self.assert_refused(*self.start_arguments(), says=[os.path.join(self.data, "simple_kv"), "another process"])

    def test_data_directory_that_cannot_be_made(self):
        self.data = "/proc/nonexistent/data"
        self.assert_refused(*self.start_arguments(), says=["/proc/nonexistent"])

    def test_damaged_files_stop_the_start_and_stay_as_they_are(self):
        self.filled_data()
        files = self.contents()
        for pattern, offset in (("last_state/MANIFEST", 20), ("last_state/*.snapshot", 60), ("wal/*.wal", 100)):
            with self.subTest(pattern):
                path = self.flip(f"simple_kv/{pattern}", offset)
                damaged = self.contents()
                output = self.assert_refused(*self.start_arguments(), says=[os.path.basename(path)])
                self.assertNotIn("ready", output)
                self.assertEqual(self.contents(), damaged)
                with open(path, "wb") as file:
                    file.write(files[path])
        connection = self.connect(self.start())
        self.assertEqual(connection.call("DBSIZE").value, 200)

    def test_a_newer_version_says_so(self):
        self.filled_data()
        manifest = os.path.join(self.data, "simple_kv", "last_state", "MANIFEST")
        with open(manifest, "r+b") as file:
            file.seek(8)
            file.write((99).to_bytes(4, "little"))
        self.assert_refused(*self.start_arguments(), says=["MANIFEST", "newer sett"])

    def test_a_lost_log_or_snapshot_is_no_empty_store(self):
        for pattern in ("wal", "last_state/*.snapshot", "last_state"):
            with self.subTest(pattern):
                self.data = os.path.join(self.directory.path, pattern.replace("/", "_").replace("*", ""))
                self.filled_data("--simple_kv.wal_segment_size", "64kb")
                for path in glob.glob(os.path.join(self.data, "simple_kv", pattern)):
                    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
                self.assert_refused(*self.start_arguments(), says=["simple_kv"])

    def test_a_log_that_lost_its_end_after_a_clean_stop_is_refused(self):
        server = self.start("--simple_kv.wal_segment_size", "64kb")
        connection = self.connect(server)
        for i in range(40):
            self.assertEqual(connection.call("SET", f"key:{i}", "v" * 5000).value, b"OK")
        self.assertEqual(server.terminate(), 0)
        files = sorted(glob.glob(os.path.join(self.data, "simple_kv", "wal", "*.wal")))
        self.assertGreater(len(files), 2)
        with open(files[-1], "rb") as file:
            last = file.read()
        os.remove(files[-1])
        damaged = self.contents()
        output = self.assert_refused(*self.start_arguments(), says=["wal", "its last records are missing"])
        self.assertNotIn("ready", output)
        self.assertEqual(self.contents(), damaged)
        with open(files[-1], "wb") as file:
            file.write(last)
        self.assertEqual(self.connect(self.start()).call("DBSIZE").value, 40)

    def test_a_bucket_that_is_sent_elsewhere_is_named(self):
        self.filled_data()
        self.assert_refused(*self.start_arguments("--store.backend", "memory"), says=["bucket '0'", "simple_kv"])

    def test_a_disabled_backend_with_data_is_not_passed_over(self):
        self.filled_data()
        self.assert_refused(*self.start_arguments("--store.backend", "memory", "--simple_kv.enabled", "false"),
                            says=["simple_kv", "enabled"])

    def test_check_config_has_an_exit_code(self):
        code, output = self.run_settd("--check-config", settd.SHIPPED_FILE)
        self.assertEqual(code, 0, output)
        path = self.write("bad.yaml", "server:\n  prot: 6379\n")
        self.assert_refused("--check-config", path, says=["prot"])

    def test_healthcheck_has_an_exit_code(self):
        server = self.start("--server.requirepass", "secret", password="secret")
        code, output = self.run_settd("healthcheck", "--server.port", str(server.port), "--server.requirepass", "secret")
        self.assertEqual(code, 0, output)
        server.kill()
        self.assert_refused("healthcheck", "--server.port", str(server.port), says=[])
