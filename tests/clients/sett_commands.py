"""What only sett has, as a client application sees it: named buckets, the KV, FILTER and BUCKET families, LZ4 frames.

The replies are those that protocol/commands.md promises.
"""

import os
import shutil
import subprocess
import threading
import time
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
KEY_BYTES_MAX = 65535
COMMANDS = """kv.set kv.get kv.setcompressed kv.getcompressed kv.exists kv.del kv.ttl kv.mset kv.mget kv.mdel kv.list kv.count kv.range
filter.add filter.checkadd filter.exists filter.del filter.madd filter.mexists bucket.list bucket.info bucket.drop
badger.gc badger.compact""".split()


def connect():
    return redis.Redis(host="127.0.0.1", port=PORT, socket_timeout=30)


class SettTest(unittest.TestCase):
    def setUp(self):
        self.client = connect()
        self.do = self.client.execute_command
        for bucket in self.do("BUCKET.LIST"):
            self.do("BUCKET.DROP", bucket)

    def tearDown(self):
        self.client.close()

    def refused(self, text, *command):
        with self.assertRaisesRegex(redis.ResponseError, text):
            self.do(*command)

    def shows_bad_key(self, reply):
        self.assertIsInstance(reply, redis.ResponseError)
        self.assertIn("invalid key: it must have 1 to 65535 bytes", str(reply))


class Values(SettTest):
    def test_one_key(self):
        self.assertEqual(self.do("KV.SET", "cities", "oslo", b"\x00\xff\r\n"), b"OK")
        self.assertEqual(self.do("KV.GET", "cities", "oslo"), b"\x00\xff\r\n")
        self.assertIsNone(self.do("KV.GET", "towns", "oslo"))
        self.assertIsNone(self.do("KV.GET", "cities", "rome"))
        self.assertEqual(self.do("KV.EXISTS", "cities", "oslo"), 1)
        self.assertEqual(self.do("KV.DEL", "cities", "oslo"), 1)
        self.assertEqual(self.do("KV.DEL", "cities", "oslo"), 0)
        self.assertEqual(self.do("KV.EXISTS", "cities", "oslo"), 0)

    def test_names_of_buckets_are_no_prefixes(self):
        self.do("KV.SET", "a", "b,c", "one")
        self.do("KV.SET", "a,b", "c", "two")
        self.assertEqual(self.do("KV.GET", "a", "b,c"), b"one")
        self.assertEqual(self.do("KV.GET", "a,b", "c"), b"two")

    def test_names_and_keys_have_limits(self):
        for bucket in ("", "b" * 256):
            self.refused("invalid bucket name: it must have 1 to 255 bytes", "KV.SET", bucket, "k", "v")
            self.refused("invalid bucket name: it must have 1 to 255 bytes", "KV.GET", bucket, "k")
        for key in ("", "k" * (KEY_BYTES_MAX + 1)):
            self.refused("invalid key: it must have 1 to 65535 bytes", "KV.SET", "b", key, "v")
            self.refused("invalid key: it must have 1 to 65535 bytes", "FILTER.ADD", "b", key)
        any_bytes = bytes(range(255, 0, -1))
        self.do("KV.SET", any_bytes, "k" * KEY_BYTES_MAX, "v")
        self.assertEqual(self.do("KV.GET", any_bytes, "k" * KEY_BYTES_MAX), b"v")
        self.assertEqual(self.do("BUCKET.LIST"), [any_bytes])

    def test_selected_by_name_or_number(self):
        other = connect()
        with other.client() as connection:
            connection.execute_command("SELECT", "sessions")
            connection.set("k", "v")
        other.close()
        self.assertEqual(self.do("KV.GET", "sessions", "k"), b"v")
        self.assertIsNone(self.client.get("k"))
        self.do("KV.SET", "0", "zero", "v")
        self.assertEqual(self.client.get("zero"), b"v")

    def test_expiry(self):
        self.do("KV.SET", "b", "k", "v", "PX", 0)
        self.assertEqual(self.do("KV.TTL", "b", "k"), -1)
        self.refused("PX must not be negative", "KV.SET", "b", "k", "w", "PX", -5)
        self.refused("PX must not be negative", "KV.SETCOMPRESSED", "b", "k", "w", "PX", -5)
        self.assertEqual(self.do("KV.GET", "b", "k"), b"v")
        self.assertEqual(self.do("KV.TTL", "b", "absent"), -2)
        self.do("KV.SET", "b", "k", "v", "px", 100_000)
        self.assertTrue(0 < self.do("KV.TTL", "b", "k") <= 100_000)
        self.do("KV.SET", "b", "k", "v")
        self.assertEqual(self.do("KV.TTL", "b", "k"), -1)
        self.do("KV.SETCOMPRESSED", "b", "k", "v", "PX", 1)
        deadline = time.monotonic() + 10
        while self.do("KV.TTL", "b", "k") != -2 and time.monotonic() < deadline:
            pass
        self.assertEqual(self.do("KV.EXISTS", "b", "k"), 0)

    def test_compressed_values_are_lz4_frames(self):
        value = b"the badger digs, " * 5000
        self.assertEqual(self.do("KV.SETCOMPRESSED", "b", "k", value), b"OK")
        self.assertEqual(self.do("KV.GETCOMPRESSED", "b", "k"), value)
        self.assertIsNone(self.do("KV.GETCOMPRESSED", "b", "nothing"))
        frame = self.do("KV.GET", "b", "k")
        self.assertLess(len(frame), len(value) // 10)
        if shutil.which("lz4"):
            self.assertEqual(subprocess.run(["lz4", "-dc"], input=frame, capture_output=True, check=True).stdout, value)
            made = subprocess.run(["lz4", "-zc", "--content-size"], input=value, capture_output=True, check=True).stdout
            self.do("KV.SET", "b", "theirs", made)
            self.assertEqual(self.do("KV.GETCOMPRESSED", "b", "theirs"), value)
        self.do("KV.SETCOMPRESSED", "b", "empty", b"")
        self.assertEqual(self.do("KV.GETCOMPRESSED", "b", "empty"), b"")
        for spoilt in (b"no frame", b"", frame[:-1], frame + b"x"):
            self.do("KV.SET", "b", "spoilt", spoilt)
            self.refused("the value is not one complete LZ4 frame: .", "KV.GETCOMPRESSED", "b", "spoilt")


class Batches(SettTest):
    def test_all_good(self):
        self.assertEqual(self.do("KV.MSET", "b", "x", 1, "y", 2, "x", 3), [3, [b"OK", b"OK", b"OK"]])
        self.assertEqual(self.do("KV.MGET", "b", "x", "nothing", "y"), [2, [b"3", None, b"2"]])
        self.assertEqual(self.do("KV.MDEL", "b", "x", "nothing", "y"), [2, [1, 0, 1]])
        self.assertEqual(self.do("KV.MGET", "b", "x"), [0, [None]])

    def test_a_bad_key_spoils_nothing_else(self):
        count, replies = self.do("KV.MSET", "b", "x", 1, "", 2, "y", 3)
        self.assertEqual((count, replies[0], replies[2]), (2, b"OK", b"OK"))
        self.shows_bad_key(replies[1])
        for command, expected in (("KV.MGET", b"1"), ("KV.MDEL", 1)):
            count, replies = self.do(command, "b", "k" * (KEY_BYTES_MAX + 1), "x")
            self.assertEqual((count, replies[1]), (1, expected))
            self.shows_bad_key(replies[0])
        self.assertEqual(self.do("KV.GET", "b", "y"), b"3")

    def test_an_error_of_the_whole_call_changes_nothing(self):
        self.refused("wrong number of arguments", "KV.MSET", "b", "x", 1, "y")
        self.refused("invalid bucket name", "KV.MSET", "", "x", 1)
        self.assertEqual(self.do("BUCKET.LIST"), [])


class Ranges(SettTest):
    def setUp(self):
        super().setUp()
        self.do("KV.SET", "r", "seed", "v")
        info = self.do("BUCKET.INFO", "r")
        self.is_ordered = dict(zip(info[::2], info[1::2]))[b"backend"] == b"badger" if isinstance(info, list) \
            else info[b"backend"] == b"badger"
        self.do("KV.DEL", "r", "seed")

    def test_a_range_has_the_keys_between_its_ends_in_order(self):
        if not self.is_ordered:
            self.refused("not supported by the backend", "KV.RANGE", "r", "-", "+")
            return
        keys = [f"{i:05}".encode() for i in range(3000)]
        for key in reversed(keys):
            self.do("KV.SET", "r", key, b"v" + key)
        self.do("KV.SET", "other", "00000", "x")
        of = lambda *more: self.do("KV.RANGE", "r", *more)  # noqa: E731
        self.assertEqual(of("-", "+"), keys)
        self.assertEqual(of("+", "-", "REV"), keys[::-1])
        self.assertEqual(of("[00010", "[00012"), keys[10:13])
        self.assertEqual(of("(00010", "(00012"), keys[11:12])
        self.assertEqual(of("[00012", "[00010", "REV"), keys[10:13][::-1])
        self.assertEqual(of("(00012", "(00010", "REV"), keys[11:12])
        self.assertEqual(of("[0001", "(0002"), keys[10:20])
        self.assertEqual(of("[00012", "[00010"), [])
        self.assertEqual(of("+", "-"), [])
        self.assertEqual(of("-", "+", "REV"), [])
        self.assertEqual(of("-", "+", "LIMIT", 2), keys[:2])
        self.assertEqual(of("+", "-", "LIMIT", 2, "REV"), keys[-1:-3:-1])
        self.assertEqual(of("-", "+", "LIMIT", 0), [])
        self.assertEqual(of("-", "+", "LIMIT", 1500, "WITHVALUES"), [x for key in keys[:1500] for x in (key, b"v" + key)])
        self.assertEqual(of("+", "[02998", "REV", "WITHVALUES"), [b"02999", b"v02999", b"02998", b"v02998"])
        self.assertEqual(self.do("KV.RANGE", "nothing", "-", "+"), [])
        for key in keys[10:20]:
            self.do("KV.DEL", "r", key)
        self.do("KV.SET", "r", "00015", "again")
        self.assertEqual(of("[00009", "[00020", "WITHVALUES"),
                         [b"00009", b"v00009", b"00015", b"again", b"00020", b"v00020"])

    def test_what_is_wrong_with_a_range_is_told(self):
        if not self.is_ordered:
            return
        self.refused("not valid string range item", "KV.RANGE", "r", "a", "+")
        self.refused("not valid string range item", "KV.RANGE", "r", "-", "")
        self.refused("syntax error", "KV.RANGE", "r", "-", "+", "LIMIT")
        self.refused("syntax error", "KV.RANGE", "r", "-", "+", "BACKWARDS")
        self.refused("not an integer", "KV.RANGE", "r", "-", "+", "LIMIT", "x")
        self.refused("invalid bucket name", "KV.RANGE", "", "-", "+")

    def test_upkeep_gives_bytes_back_where_there_is_any(self):
        self.refused("wrong number of arguments", "BADGER.GC", "r")
        self.refused("syntax error", "BADGER.COMPACT", "r", "s")
        self.refused("invalid bucket name", "BADGER.COMPACT", "")
        if not self.is_ordered:
            for command in (["BADGER.GC"], ["BADGER.COMPACT"], ["BADGER.COMPACT", "r"]):
                self.refused(f"{command[0]} is not supported by the backend", *command)
            return
        self.do("BADGER.GC")
        for i in range(200):
            self.do("KV.SET", "r", f"k{i}", os.urandom(5000))
        self.assertLess(self.do("BADGER.GC"), 500_000)
        for i in range(0, 200, 2):
            self.do("KV.DEL", "r", f"k{i}")
        self.assertGreater(self.do("BADGER.GC"), 400_000)
        self.assertEqual(len(self.do("KV.GET", "r", "k1")), 5000)
        self.assertGreaterEqual(self.do("BADGER.COMPACT", "r"), 0)
        self.refused("no such bucket", "BADGER.COMPACT", "nobody")
        self.do("BUCKET.DROP", "r")
        self.assertGreater(self.do("BADGER.COMPACT"), 400_000)


class Listings(SettTest):
    def test_a_prefix(self):
        boxes = {f"box:{i}".encode() for i in range(100)}
        for box in boxes:
            self.do("KV.SET", "things", box, "v")
        self.do("KV.SET", "things", "bag", "v")
        self.assertEqual(self.do("KV.COUNT", "things", "box:"), 100)
        self.assertEqual(self.do("KV.COUNT", "things", ""), 101)
        self.assertEqual(self.do("KV.COUNT", "nothing", ""), 0)
        self.assertEqual(self.listed("box:"), boxes)
        self.assertEqual(self.listed(""), boxes | {b"bag"})
        self.assertEqual(self.do("KV.LIST", "nothing", ""), [b"0", []])
        self.refused("syntax error", "KV.LIST", "things", "", "COUNT", 0)

    def listed(self, prefix):
        cursor, keys = self.do("KV.LIST", "things", prefix, "count", 7)
        found, calls = set(keys), 1
        while cursor != b"0":
            cursor, keys = self.do("KV.LIST", "things", prefix, "CURSOR", cursor, "COUNT", 7)
            found.update(keys)
            calls += 1
        self.assertGreater(calls, 1)
        return found


class Filters(SettTest):
    def test_one_item(self):
        self.assertEqual(self.do("FILTER.CHECKADD", "seen", "x"), 0)
        self.assertEqual(self.do("FILTER.CHECKADD", "seen", "x"), 1)
        self.assertEqual(self.do("FILTER.EXISTS", "seen", "y"), 0)
        self.assertEqual(self.do("FILTER.ADD", "seen", "y"), 1)
        self.assertEqual(self.do("FILTER.ADD", "seen", "y"), 0)
        self.assertEqual(self.do("FILTER.EXISTS", "seen", "y"), 1)
        self.assertEqual(self.do("KV.GET", "seen", "y"), b"0")
        self.assertEqual(self.do("KV.TTL", "seen", "y"), -1)

    def test_a_value_is_never_overwritten_but_removed(self):
        self.do("KV.SET", "seen", "z", "mine")
        self.assertEqual(self.do("FILTER.ADD", "seen", "z"), 0)
        self.assertEqual(self.do("FILTER.CHECKADD", "seen", "z"), 1)
        self.assertEqual(self.do("KV.GET", "seen", "z"), b"mine")
        self.assertEqual(self.do("FILTER.DEL", "seen", "z"), 1)
        self.assertEqual(self.do("FILTER.DEL", "seen", "z"), 0)
        self.assertEqual(self.do("FILTER.EXISTS", "seen", "z"), 0)

    def test_several_items(self):
        self.assertEqual(self.do("FILTER.MADD", "seen", "a", "b", "a"), [2, [1, 1, 0]])
        self.assertEqual(self.do("FILTER.MEXISTS", "seen", "b", "c"), [1, [1, 0]])
        for command in ("FILTER.MADD", "FILTER.MEXISTS"):
            _, replies = self.do(command, "seen", "a", "")
            self.assertIsInstance(replies[0], int)
            self.shows_bad_key(replies[1])

    def test_of_many_at_once_one_adds(self):
        items, zeros = range(50), []

        def add_all():
            client = connect()
            zeros.extend(item for item in items if client.execute_command("FILTER.CHECKADD", "race", item) == 0)
            client.close()

        threads = [threading.Thread(target=add_all) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(sorted(zeros), list(items))


class Buckets(SettTest):
    def test_list_and_drop(self):
        self.do("KV.SET", "things", "k", "v")
        self.do("KV.SET", "others", "k", "v")
        self.assertEqual(set(self.do("BUCKET.LIST")), {b"things", b"others"})
        self.assertEqual(self.do("BUCKET.DROP", "things"), 1)
        self.assertEqual(self.do("BUCKET.DROP", "things"), 0)
        self.assertEqual(self.do("KV.COUNT", "things", ""), 0)
        self.assertEqual(self.do("BUCKET.LIST"), [b"others"])

    def test_info(self):
        self.refused("no such bucket", "BUCKET.INFO", "things")
        self.do("KV.MSET", "things", "abc", "12345", "d", "6")
        self.do("KV.SET", "things", "short", "", "PX", 100_000)
        self.do("KV.MGET", "things", "abc", "absent")
        flat = self.do("BUCKET.INFO", "things")
        info = dict(zip(flat[::2], flat[1::2]))
        self.assertEqual(set(info), {b"keys", b"bytes", b"expiring_keys", b"operations", b"hits", b"backend"})
        self.assertEqual((info[b"keys"], info[b"bytes"], info[b"expiring_keys"]), (3, 15, 1))
        self.assertEqual((info[b"operations"], info[b"hits"]), (2, 1))
        self.assertIn(info[b"backend"], (b"badger", b"simple_kv", b"memory"))

    def test_a_dropped_bucket_can_be_used_again(self):
        self.client.set("elsewhere", "v")
        self.do("KV.SET", "things", "k", "v")
        self.assertEqual(self.do("BUCKET.DROP", "things"), 1)
        self.assertEqual(self.client.get("elsewhere"), b"v")
        self.do("KV.SET", "things", "new", "v")
        self.assertEqual(self.do("KV.LIST", "things", ""), [b"0", [b"new"]])


class Documentation(SettTest):
    def test_every_command_is_documented(self):
        # One word: redis-py would otherwise look for a parser of COMMAND's reply.
        flat = self.do("COMMAND DOCS", *COMMANDS)
        docs = dict(zip(flat[::2], flat[1::2]))
        self.assertEqual(set(docs), {name.encode() for name in COMMANDS})
        for name, doc in docs.items():
            fields = dict(zip(doc[::2], doc[1::2]))
            self.assertTrue(fields[b"summary"], name)
            self.assertIn(b"since", fields, name)
        self.assertEqual([row[0].decode() for row in self.do("COMMAND INFO", *COMMANDS)], COMMANDS)


if __name__ == "__main__":
    unittest.main()
