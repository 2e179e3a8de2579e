"""Tests of the comparer itself: an injected difference is found, and each relaxed check can fail."""

import os
import random
import socket
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import differential  # noqa: E402
import directed  # noqa: E402
import pair as pairs  # noqa: E402
import rules  # noqa: E402
import runner as runners  # noqa: E402
import shrink  # noqa: E402
import streams  # noqa: E402
from support_py import resp, servers  # noqa: E402

ISSUE_COMMANDS = """PING ECHO QUIT RESET HELLO AUTH SELECT CLIENT CONFIG INFO DBSIZE FLUSHDB FLUSHALL SWAPDB TIME SAVE BGSAVE
LASTSAVE SHUTDOWN ROLE LOLWUT DEBUG MODULE CLUSTER REPLICAOF COMMAND SET GET GETDEL GETEX GETSET MGET MSET MSETNX SETNX
SETEX PSETEX APPEND STRLEN GETRANGE SUBSTR SETRANGE INCR INCRBY INCRBYFLOAT DECR DECRBY LCS SETBIT GETBIT BITCOUNT BITPOS
BITOP BITFIELD BITFIELD_RO DEL UNLINK EXISTS TYPE TOUCH KEYS SCAN RANDOMKEY RENAME RENAMENX COPY MOVE EXPIRE PEXPIRE
EXPIREAT PEXPIREAT TTL PTTL EXPIRETIME PEXPIRETIME PERSIST OBJECT""".split()


def reply(text):
    decoded, end = resp.decode(text, 0)
    assert end == len(text)
    return decoded


class Resp(unittest.TestCase):
    def test_every_kind_keeps_its_bytes_and_every_prefix_is_incomplete(self):
        for text in (b"+OK\r\n", b"-ERR x\r\n", b":-5\r\n", b"$3\r\na\r\n\r\n", b"$-1\r\n", b"*-1\r\n", b"_\r\n", b"#t\r\n",
                     b",1.5\r\n", b"(123\r\n", b"=5\r\ntxt:a\r\n", b"*2\r\n:1\r\n*1\r\n$0\r\n\r\n", b"%1\r\n+a\r\n:1\r\n",
                     b"~1\r\n+a\r\n", b">2\r\n+a\r\n+b\r\n", b"!3\r\nERR\r\n"):
            self.assertEqual(reply(text).raw, text)
            for length in range(1, len(text)):
                self.assertIsNone(resp.decode(text[:length], 0), (text, length))

    def test_what_is_no_resp_is_refused(self):
        for text in (b"hello\r\n", b"$1\r\nabc\r\n"):
            with self.assertRaises(resp.ProtocolError):
                resp.decode(text, 0)


class Checks(unittest.TestCase):
    def good(self, check, ours, theirs, *parameters, context=None):
        self.assertIsNone(rules.CHECKS[check](list(parameters), reply(ours), reply(theirs), context or rules.Context()))

    def bad(self, check, ours, theirs, *parameters, context=None):
        self.assertIsNotNone(rules.CHECKS[check](list(parameters), reply(ours), reply(theirs), context or rules.Context()))

    def test_multiset(self):
        self.good("multiset", b"*2\r\n+a\r\n+b\r\n", b"*2\r\n+b\r\n+a\r\n")
        self.bad("multiset", b"*2\r\n+a\r\n+b\r\n", b"*2\r\n+b\r\n+b\r\n")
        self.bad("multiset", b"*1\r\n+a\r\n", b"~1\r\n+a\r\n")
        self.bad("multiset", b"*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n", b"*4\r\n+a\r\n+2\r\n+b\r\n+1\r\n", "pairs")
        self.good("multiset", b"*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n", b"*4\r\n+b\r\n+2\r\n+a\r\n+1\r\n", "pairs")

    def test_time(self):
        self.good("time", b":1000\r\n", b":1050\r\n", "50", "ms")
        self.bad("time", b":1000\r\n", b":1051\r\n", "50", "ms")
        self.good("time", b":1000\r\n", b":1051\r\n", "50", "ms", context=rules.Context(slack_ms=5))
        self.bad("time", b":-1\r\n", b":-2\r\n", "50", "ms")
        self.bad("time", b":10\r\n", b"$2\r\n10\r\n", "1", "s")
        self.bad("time", b"*2\r\n$2\r\n10\r\n$1\r\n0\r\n", b"*2\r\n$2\r\n10\r\n$6\r\n900000\r\n", "50", "ms")

    def test_texts(self):
        self.good("text72", b"+OK\r\n", b"-ERR unknown\r\n", '+OK\\r\\n')
        self.bad("text72", b"-ERR unknown\r\n", b"-ERR unknown\r\n", '+OK\\r\\n')
        self.good("text72", b"-ERR unknown\r\n", b"-ERR unknown\r\n", '+OK\\r\\n', context=rules.Context(reference_only=True))
        self.good("instead", b"-E\r\n", b":0\r\n", ":0\\r\\n", "->", "-E\\r\\n")
        self.bad("instead", b"-F\r\n", b":0\r\n", ":0\\r\\n", "->", "-E\\r\\n")
        self.bad("instead", b"-E\r\n", b":1\r\n", ":0\\r\\n", "->", "-E\\r\\n")
        self.good("regex", b"+abc\r\n", b"+abd\r\n", r"\+ab")
        self.bad("regex", b"+xbc\r\n", b"+abd\r\n", r"\+ab")

    def test_fields(self):
        self.good("fields", b"*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", b"*4\r\n+a\r\n:9\r\n+b\r\n:2\r\n", "a:int", "b:same")
        self.bad("fields", b"*4\r\n+a\r\n:1\r\n+b\r\n:3\r\n", b"*4\r\n+a\r\n:9\r\n+b\r\n:2\r\n", "a:int", "b:same")
        self.bad("fields", b"*2\r\n+a\r\n:1\r\n", b"*4\r\n+a\r\n:9\r\n+b\r\n:2\r\n", "b")
        self.bad("fields", b"*4\r\n+a\r\n:9\r\n+b\r\n:2\r\n", b"*2\r\n+a\r\n:1\r\n", "b")
        self.bad("fields", b"+a=x b=1\r\n", b"+a=1 b=1\r\n", "a:int")
        self.bad("fields", b"%1\r\n+a\r\n:1\r\n", b"*2\r\n+a\r\n:1\r\n", "a")
        self.bad("fields", b"+a=1\r\n", b"+a=1\r\n", "lib:new")
        for ours, theirs, fits in (("T", "N", True), ("N", "e", True), ("eT", "e", True), ("e", "N", False),
                                   ("N", "x", False), ("T", "xe", False), ("xT", "xe", True)):
            judge = self.good if fits else self.bad
            judge("fields", b"+a=1 f=%s\r\n" % ours.encode(), b"+a=1 f=%s\r\n" % theirs.encode(), "f:flags72")
        self.bad("docs", b"*2\r\n+get\r\n*2\r\n+x\r\n+y\r\n", b"*2\r\n+get\r\n*2\r\n+since\r\n+1\r\n", "since")
        self.bad("docs", b"*0\r\n", b"*2\r\n+get\r\n*2\r\n+since\r\n+1\r\n", "since")

    def test_heads_and_ranges(self):
        self.good("head", b"*2\r\n+a\r\n+b\r\n", b"*1\r\n+a\r\n", "1")
        self.bad("head", b"*2\r\n+x\r\n+b\r\n", b"*1\r\n+a\r\n", "1")
        self.good("heads", b"*1\r\n*2\r\n+a\r\n+b\r\n", b"*1\r\n*2\r\n+a\r\n+c\r\n", "1")
        self.bad("heads", b"*1\r\n*2\r\n+x\r\n+b\r\n", b"*1\r\n*2\r\n+a\r\n+c\r\n", "1")
        self.bad("heads", b"*1\r\n_\r\n", b"*1\r\n*1\r\n+a\r\n", "1")
        self.good("range", b":5\r\n", b":7\r\n", "1", "10")
        self.bad("range", b":11\r\n", b":7\r\n", "1", "10")
        self.bad("range", b"-ERR\r\n", b":7\r\n", "1", "10")

    def test_checks_that_ask(self):
        asked = rules.Context(exists=lambda key: (1, 1) if key == b"a" else (0, 1))
        self.good("member", b"$1\r\na\r\n", b"$1\r\na\r\n", context=asked)
        self.bad("member", b"$1\r\nb\r\n", b"$1\r\na\r\n", context=asked)
        self.bad("member", b"$-1\r\n", b"$1\r\na\r\n", context=asked)
        page = b"*2\r\n$1\r\n0\r\n*0\r\n"
        same = rules.Context(scan_rest=lambda *_: ({b"a"}, {b"a"}), all_keys=lambda: ({b"a"}, {b"a"}))
        less = rules.Context(scan_rest=lambda *_: (set(), {b"a"}), all_keys=lambda: ({b"a"}, {b"a"}))
        stray = rules.Context(scan_rest=lambda *_: ({b"z"}, {b"a"}), all_keys=lambda: ({b"a"}, {b"a"}))
        self.good("scan", page, page, context=same)
        self.bad("scan", page, page, context=less)
        self.good("scan", page, page, "some", context=less)
        self.bad("scan", page, page, "some", context=stray)
        self.bad("scan", b"*2\r\n:0\r\n*0\r\n", page, context=same)
        self.bad("scan", b"-ERR a\r\n", b"-ERR b\r\n", context=same)

    def test_settled(self):
        self.good("settled", b":1\r\n", b":2\r\n", context=rules.Context(settled=lambda: b":1\r\n"))
        self.bad("settled", b":2\r\n", b":1\r\n", context=rules.Context(settled=lambda: b":1\r\n"))

    def test_replaced(self):
        self.good("replaced", b"*1\r\n$3\r\nyes\r\n", b"*1\r\n$2\r\nno\r\n", "$2\\r\\nno", "$3\\r\\nyes")
        self.bad("replaced", b"*1\r\n$2\r\nno\r\n", b"*1\r\n$2\r\nno\r\n", "$2\\r\\nno", "$3\\r\\nyes")
        self.bad("replaced", b"*1\r\n$3\r\nyes\r\n", b"*1\r\n$3\r\nyes\r\n", "$2\\r\\nno", "$3\\r\\nyes")
        self.good("replaced", b"$2\r\nno\r\n", b"$2\r\nno\r\n", "$2\\r\\nno", "$3\\r\\nyes",
                  context=rules.Context(reference_only=True))

    def test_encoding(self):
        def of(value, theirs=None):
            return rules.Context(value=lambda: (value, value if theirs is None else theirs))
        raw, embstr, integer = b"$3\r\nraw\r\n", b"$6\r\nembstr\r\n", b"$3\r\nint\r\n"
        for value, ours in ((b"ab", embstr), (b"a" * 44, embstr), (b"a" * 45, raw), (b"12", integer), (b"-0", embstr),
                            (b"9223372036854775807", integer), (b"9223372036854775808", embstr), (b"012", embstr)):
            self.good("encoding", ours, raw, context=of(value))
            for wrong in {raw, embstr, integer} - {ours}:
                self.bad("encoding", wrong, raw, context=of(value))
        self.bad("encoding", embstr, integer, context=of(b"ab"))
        self.bad("encoding", embstr, raw, context=of(b"ab", b"ac"))
        self.bad("encoding", embstr, b"$-1\r\n", context=of(b"ab"))
        self.bad("encoding", b"$-1\r\n", raw, context=of(b"ab"))

    def test_every_check_is_tested_here(self):
        with open(__file__, encoding="utf-8") as text:
            source = text.read()
        for check in rules.CHECKS:
            if check != "text":  # the same function as text72
                self.assertIn(f'self.bad("{check}"', source)


class TheList(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(HERE, "allowed"), encoding="utf-8") as text:
            self.allowed = rules.Allowed(text.read())

    def test_only_listed_commands_are_relaxed(self):
        for command in (b"GET k", b"SET k v", b"HELLO3", b"CONFIG GET timeout", b"OBJECT HELLO k", b"STRLEN k",
                        b"%raw *1\r\n", b"%raw PING\r\n"):
            self.assertIsNone(self.allowed.find(command.split(b" ")), command)
        self.assertEqual(self.allowed.find([b"pTtL", b"k"]).check, "time")
        self.assertEqual(self.allowed.find([b"SCAN", b"0", b"COUNT", b"1"]).check, "scan")

    def test_two_different_errors_differ_whatever_the_check(self):
        for command in ([b"KEYS"], [b"HELLO", b"9"], [b"PTTL", b"k"], [b"RANDOMKEY", b"x"]):
            self.assertIsNotNone(self.allowed.compare(command, reply(b"-ERR a\r\n"), reply(b"-ERR b\r\n"), rules.Context()))

    def test_bad_lines_are_refused(self):
        for line in ("GET | ignore | x", "GET | time 1 s", "GET | time 1 s | "):
            with self.assertRaises(ValueError):
                rules.Allowed(line)

    def test_every_command_of_the_issue_is_sent(self):
        sent = {words[0].decode("latin-1").upper() for _, verb, words in
                directed.read(os.path.join(HERE, "directed.txt")) if verb == "command"}
        self.assertEqual(set(ISSUE_COMMANDS) - sent, set())


class Streams(unittest.TestCase):
    def test_a_seed_gives_one_stream(self):
        def draw():
            rng = random.Random("7:0")
            return [streams.command(rng) for _ in range(500)]
        self.assertEqual(draw(), draw())

    def test_no_expiry_falls_due_during_a_run(self):
        rng = random.Random(3)
        for _ in range(30000):
            args = streams.command(rng)
            for option, moment in zip(args[3:], args[4:]):
                if args[0].upper() == b"SET" and option.upper() in (b"EX", b"PX") and moment.isdigit():
                    self.assertFalse(0 < int(moment) < 10**7, args)
            name = args[0].upper()
            if (name in (b"EXPIRE", b"PEXPIRE") and len(args) > 2 or name in (b"SETEX", b"PSETEX") and len(args) == 4) \
                    and args[2].isdigit():
                self.assertFalse(0 < int(args[2]) < 10**7, args)

    def test_shown_commands_can_be_read_again(self):
        for args in ([b"SET", b"", b"a b\r\n\x00\xff\"\\"], [b"GET", b"key:1"]):
            self.assertEqual(directed.parse_words(directed.show(args), 0.0), args)


class LyingProxy:
    """Passes bytes between a client and a server, and replaces one byte string in what the server says."""

    def __init__(self, port, truth, lie):
        self.name, self.target, self.truth, self.lie = "proxy", port, truth, lie
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.process = self
        threading.Thread(target=self._accept, daemon=True).start()

    def poll(self):
        return None

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source, sink, is_reply):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data.replace(self.truth, self.lie) if is_reply else data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side is gone, and the test has seen what it wanted
        if is_reply:
            source.close()
            sink.close()


@unittest.skipUnless(servers.find_redis(), "needs redis-tools")
class AgainstRedis(unittest.TestCase):
    """Both sides are redis-server; a proxy before one of them tells the lie that must be found."""

    @classmethod
    def setUpClass(cls):
        cls.directory = servers.TemporaryDirectory("differential-test-")
        options = differential.parse_arguments(["--settd", servers.find_redis(), "--peer", "redis"])
        cls.pair = differential.start_pair(options, cls.directory.path)
        with open(os.path.join(HERE, "allowed"), encoding="utf-8") as text:
            cls.allowed = rules.Allowed(text.read())

    @classmethod
    def tearDownClass(cls):
        differential.stop_pair(cls.pair)
        cls.directory.__exit__()

    def lying(self, truth, lie):
        proxy = LyingProxy(self.pair.servers[0].port, truth, lie)
        self.addCleanup(proxy.close)
        return runners.Runner(pairs.Pair(proxy, self.pair.servers[1], True), self.allowed)

    def test_equal_servers_do_not_differ(self):
        runner = runners.Runner(self.pair, self.allowed)
        difference, count = runner.run_epoch("unit", 0, 1500, float("inf"))
        self.assertIsNone(difference, str(difference))
        self.assertGreaterEqual(count, 1500)
        self.assertGreater(len(runner.coverage.sent), 60)

    def test_what_came_with_72_is_demanded(self):
        runner = runners.Runner(pairs.Pair(*self.pair.servers, reference_only=False), self.allowed)
        found = runner.run_table(os.path.join(HERE, "directed.txt"), 3)
        expected = {rule.line for rule in self.allowed.rules if rule.check in ("text72", "text", "replaced")}
        missed = expected - {int(difference.problem.split(":")[1].split()[0]) for difference in found}
        self.assertEqual(missed, set(), "lines of `allowed` that no line of the table tests")
        for difference in found:
            self.assertRegex(difference.problem, "text72|text|replaced|encoding|lib-name is missing")

    def test_a_wrong_error_text_is_found_in_the_table(self):
        runner = self.lying(b"bit is not an integer", b"bit is no integer")
        found = runner.run_table(os.path.join(HERE, "directed.txt"), 2)
        self.assertTrue(found)
        self.assertTrue(all(b"bit is no integer" in difference.settd.raw for difference in found))

    def test_wrong_bytes_before_a_close_are_found(self):
        runner = self.lying(b"invalid multibulk length", b"invalid multi bulk length")
        settd, redis = runner.compare_raw(b"*abc\r\n")
        self.assertNotEqual(settd, redis)

    def test_a_random_difference_is_found_and_shortened(self):
        runner = self.lying(b"increment or decrement would overflow", b"increment would overflow")
        for epoch in range(20):
            difference, _ = runner.run_epoch("unit", epoch, 3000, float("inf"))
            if difference:
                break
        self.assertIsNotNone(difference)
        self.assertIn(b"would overflow", difference.redis.raw)
        shorter = shrink.shrink(runner, difference.history, limit_s=10)
        self.assertIsNotNone(shorter)
        self.assertLess(len(shorter), 12)
        self.assertEqual(shorter[-1][1], difference.args)


if __name__ == "__main__":
    sys.exit(servers.run_unit_tests())
