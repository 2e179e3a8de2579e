"""python3-redis against the daemon: what applications do with it. Debian's version speaks RESP2."""

import os
import time
import unittest

try:
    import redis
except ImportError:
    print("python3-redis is not installed")
    raise SystemExit(77)

PORT = int(os.environ["CLIENT_TEST_PORT"])
EVERY_BYTE = bytes(range(256))


class RedisPy(unittest.TestCase):
    def setUp(self):
        self.client = redis.Redis(host="127.0.0.1", port=PORT, socket_timeout=30)
        self.client.flushall()

    def tearDown(self):
        self.client.close()

    def test_strings(self):
        c = self.client
        self.assertTrue(c.set("a", "1"))
        self.assertIsNone(c.set("a", "2", nx=True))
        self.assertEqual(c.set("a", "2", get=True), b"1")
        self.assertEqual(c.incrby("a", 40), 42)
        self.assertEqual(c.append("a", "xy"), 4)
        self.assertEqual(c.getrange("a", -2, -1), b"xy")
        self.assertTrue(c.mset({"b": "1", "c": "2"}))
        self.assertEqual(c.mget("a", "b", "nothing", "c"), [b"42xy", b"1", None, b"2"])
        self.assertFalse(c.msetnx({"c": "9", "d": "9"}))
        self.assertEqual(c.exists("c", "c", "d"), 2)
        self.assertEqual(c.incrbyfloat("f", "10.5"), 10.5)
        self.assertEqual(c.getdel("b"), b"1")
        self.assertEqual(c.delete("a", "b", "c"), 2)
        self.assertEqual(c.dbsize(), 1)

    def test_binary_keys_and_values(self):
        self.client.set(EVERY_BYTE, EVERY_BYTE[::-1])
        self.assertEqual(self.client.get(EVERY_BYTE), EVERY_BYTE[::-1])
        self.assertEqual(self.client.keys(), [EVERY_BYTE])
        big = os.urandom(1 << 20) * 8
        self.client.set("big", big)
        self.assertEqual(self.client.get("big"), big)
        self.assertEqual(self.client.echo(b"\r\n$-1\r\n"), b"\r\n$-1\r\n")

    def test_bits(self):
        self.assertEqual(self.client.setbit("bits", 7, 1), 0)
        self.assertEqual(self.client.get("bits"), b"\x01")
        self.assertEqual(self.client.bitcount("bits"), 1)
        self.assertEqual(self.client.bitpos("bits", 1), 7)
        self.assertEqual(self.client.bitfield("field").set("u8", 0, 255).incrby("u8", 0, 1).execute(), [0, 0])

    def test_expiry(self):
        c = self.client
        c.set("k", "v", ex=100)
        self.assertIn(c.ttl("k"), (99, 100))
        self.assertTrue(c.persist("k"))
        self.assertEqual(c.ttl("k"), -1)
        self.assertEqual(c.ttl("nothing"), -2)
        self.assertTrue(c.pexpireat("k", int(time.time() * 1000) + 50_000))
        self.assertGreater(c.pttl("k"), 10_000)
        self.assertTrue(c.expireat("k", int(time.time()) - 10))
        self.assertIsNone(c.get("k"))
        c.psetex("short", 1, "v")
        deadline = time.monotonic() + 5
        while c.get("short") is not None:
            self.assertLess(time.monotonic(), deadline, "the key outlived its expiry")
        self.assertEqual(c.getex("short"), None)

    def test_scan(self):
        names = {f"key:{i}".encode() for i in range(3000)}
        self.client.mset({name: "v" for name in names})
        self.client.set("other", "v")
        self.assertEqual(set(self.client.scan_iter(match="key:*", count=100)), names)
        self.assertEqual(set(self.client.scan_iter(_type="string")), names | {b"other"})
        self.assertIn(self.client.randomkey(), names | {b"other"})

    def test_pipelines(self):
        with self.client.pipeline(transaction=False) as pipe:
            for i in range(5000):
                pipe.incr("n")
            self.assertEqual(pipe.execute(), list(range(1, 5001)))
        with self.client.pipeline(transaction=False) as pipe:
            pipe.set("text", "no number").incr("text").get("text")
            replies = pipe.execute(raise_on_error=False)
        self.assertEqual((replies[0], replies[2]), (True, b"no number"))
        self.assertIsInstance(replies[1], redis.ResponseError)

    def test_errors(self):
        with self.assertRaisesRegex(redis.ResponseError, "unknown command 'NOSUCH', with args beginning with: 'a'"):
            self.client.execute_command("NOSUCH", "a")
        with self.assertRaisesRegex(redis.ResponseError, "wrong number of arguments for 'get' command"):
            self.client.execute_command("GET")
        self.client.set("text", "no number")
        with self.assertRaisesRegex(redis.ResponseError, "value is not an integer or out of range"):
            self.client.incr("text")
        with self.assertRaisesRegex(redis.ResponseError, "DB index is out of range"):
            self.client.execute_command("SELECT", "99999")
        self.assertTrue(self.client.ping())

    def test_buckets(self):
        other = redis.Redis(host="127.0.0.1", port=PORT, db=5, socket_timeout=30)
        self.client.set("k", "zero")
        other.set("k", "five")
        self.assertEqual((self.client.get("k"), other.get("k")), (b"zero", b"five"))
        self.assertTrue(self.client.swapdb(0, 5))
        self.assertEqual((self.client.get("k"), other.get("k")), (b"five", b"zero"))
        self.assertTrue(other.flushdb())
        self.assertEqual((self.client.dbsize(), other.dbsize()), (1, 0))
        self.assertTrue(self.client.move("k", 5))
        self.assertEqual(other.get("k"), b"five")
        other.close()

    def test_keys(self):
        c = self.client
        c.set("a", "1")
        self.assertTrue(c.rename("a", "b"))
        self.assertTrue(c.copy("b", "c"))
        self.assertEqual(c.type("c"), b"string")
        self.assertEqual(c.object("encoding", "c"), b"int")
        self.assertEqual(c.touch("b", "c", "d"), 2)
        self.assertEqual(c.unlink("b", "c"), 2)
        c.mset({"x": "ohmytext", "y": "mynewtext"})
        self.assertEqual(c.execute_command("LCS", "x", "y"), b"mytext")

    def test_introspection(self):
        self.client.set("k", "v")
        info = self.client.info()
        self.assertEqual(info["redis_mode"], "standalone")
        self.assertEqual(info["role"], "master")
        self.assertEqual(info["loading"], 0)
        self.assertEqual(info["tcp_port"], PORT)
        self.assertGreaterEqual(tuple(int(part) for part in info["redis_version"].split(".")), (7, 0, 0))
        self.assertEqual(info["db0"]["keys"], 1)
        self.assertGreater(info["used_memory"], 0)
        self.assertEqual(self.client.config_get("databases"), {"databases": "16"})
        self.assertEqual(self.client.client_setname("me"), True)
        self.assertEqual(self.client.client_getname(), "me")
        self.assertIn("me", [row["name"] for row in self.client.client_list()])
        self.assertIn("get", self.client.command())
        self.assertGreater(self.client.command_count(), 50)
        self.assertIsInstance(self.client.time()[0], int)
        self.assertTrue(self.client.info("server")["run_id"])


if __name__ == "__main__":
    unittest.main()
