"""What only sett has, as a client application sees it: named buckets, the KV, FILTER and BUCKET families, LZ4 frames."""

import os
import shutil
import subprocess
import unittest

if os.environ["CLIENT_TEST_KIND"] != "settd":
    print("only settd has these commands")
    raise SystemExit(77)
try:
    import redis
except ImportError:
    print("python3-redis is not installed")
    raise SystemExit(77)

PORT = int(os.environ["CLIENT_TEST_PORT"])


class SettCommands(unittest.TestCase):
    def setUp(self):
        self.client = redis.Redis(host="127.0.0.1", port=PORT, socket_timeout=30)
        self.client.flushall()
        self.do = self.client.execute_command

    def tearDown(self):
        self.client.close()

    def test_one_key(self):
        self.assertIn(self.do("KV.SET", "cities", "oslo", b"\x00\xff"), (b"OK", True))
        self.assertEqual(self.do("KV.GET", "cities", "oslo"), b"\x00\xff")
        self.assertIsNone(self.do("KV.GET", "towns", "oslo"))
        self.assertEqual(self.do("KV.EXISTS", "cities", "oslo"), 1)
        self.assertEqual(self.do("KV.DEL", "cities", "oslo"), 1)
        self.assertEqual(self.do("KV.EXISTS", "cities", "oslo"), 0)

    def test_names_of_buckets_are_no_prefixes(self):
        self.do("KV.SET", "a", "b,c", "one")
        self.do("KV.SET", "a,b", "c", "two")
        self.assertEqual(self.do("KV.GET", "a", "b,c"), b"one")
        self.assertEqual(self.do("KV.GET", "a,b", "c"), b"two")

    def test_selected_by_name(self):
        with self.client.client() as connection:
            connection.execute_command("SELECT", "sessions")
            connection.set("k", "v")
        self.assertEqual(self.do("KV.GET", "sessions", "k"), b"v")
        self.assertIsNone(self.client.get("k"))

    def test_expiry(self):
        self.do("KV.SET", "b", "k", "v", "PX", 0)
        self.assertEqual(self.do("KV.TTL", "b", "k"), -1)
        with self.assertRaises(redis.ResponseError):
            self.do("KV.SET", "b", "k", "v", "PX", -5)
        self.assertEqual(self.do("KV.GET", "b", "k"), b"v")

    def test_compressed_values_are_lz4_frames(self):
        value = b"the badger digs, " * 5000
        self.do("KV.SETCOMPRESSED", "b", "k", value)
        self.assertEqual(self.do("KV.GETCOMPRESSED", "b", "k"), value)
        self.assertIsNone(self.do("KV.GETCOMPRESSED", "b", "nothing"))
        frame = self.do("KV.GET", "b", "k")
        self.assertLess(len(frame), len(value) // 10)
        if shutil.which("lz4"):
            self.assertEqual(subprocess.run(["lz4", "-dc"], input=frame, capture_output=True, check=True).stdout, value)
        self.do("KV.SET", "b", "plain", "no frame")
        with self.assertRaises(redis.ResponseError):
            self.do("KV.GETCOMPRESSED", "b", "plain")

    def test_filters(self):
        self.assertEqual(self.do("FILTER.CHECKADD", "seen", "x"), 0)
        self.assertEqual(self.do("FILTER.CHECKADD", "seen", "x"), 1)
        self.assertEqual(self.do("FILTER.EXISTS", "seen", "y"), 0)
        self.do("FILTER.ADD", "seen", "y")
        self.assertEqual(self.do("KV.GET", "seen", "y"), b"0")
        self.do("KV.SET", "seen", "z", "mine")
        self.do("FILTER.ADD", "seen", "z")
        self.assertEqual(self.do("KV.GET", "seen", "z"), b"mine")
        self.do("FILTER.DEL", "seen", "z")
        self.assertEqual(self.do("FILTER.EXISTS", "seen", "z"), 0)

    def test_counts_and_drop(self):
        for i in range(100):
            self.do("KV.SET", "things", f"box:{i}", "v")
        self.do("KV.SET", "things", "bag", "v")
        self.assertEqual(self.do("KV.COUNT", "things", "box:"), 100)
        self.assertEqual(self.do("KV.COUNT", "things", ""), 101)
        self.assertIn("things", str(self.do("BUCKET.LIST")))
        self.do("BUCKET.DROP", "things")
        self.assertEqual(self.do("KV.COUNT", "things", ""), 0)
        self.assertNotIn("things", str(self.do("BUCKET.LIST")))

    def test_documented(self):
        for name in ("kv.set", "filter.checkadd", "bucket.list"):
            self.assertIn("summary", str(self.do("COMMAND", "DOCS", name)))


if __name__ == "__main__":
    unittest.main()
