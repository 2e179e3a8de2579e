"""Tests of the judge: it accepts what a crash may leave, and finds each kind of loss."""

import contextlib
import io
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import kill_loop  # noqa: E402
import record as records  # noqa: E402
from record import FAR, State  # noqa: E402
from support_py import servers  # noqa: E402

A, B = (0, b"a"), (0, b"b")


class Judge(unittest.TestCase):
    def setUp(self):
        self.record = records.Record("w0", 0, {A: State(b"0", None)})
        self.record.begin("SET a 1", {A: State(b"1", None)})
        self.record.begin("MSET a 2 b 2", {A: State(b"2", None), B: State(b"2", None)})
        self.record.begin("DEL a", {A: None})
        self.record.acknowledge(1)

    def judge(self, found):
        return self.record.judge(found, 1000, 1000)

    def lost(self, found):
        with self.assertRaises(records.Contradiction):
            self.judge(found)

    def test_every_state_from_the_acknowledged_one_on_is_accepted(self):
        self.assertEqual(self.judge({A: (b"1", -1)}), 1)
        self.assertEqual(self.judge({A: (b"2", -1), B: (b"2", -1)}), 2)
        self.assertEqual(self.judge({B: (b"2", -1)}), 3)

    def test_a_lost_acknowledged_write_is_found(self):
        self.lost({A: (b"0", -1)})
        self.lost({})

    def test_half_a_batch_is_found(self):
        self.lost({A: (b"2", -1)})
        self.lost({A: (b"1", -1), B: (b"2", -1)})

    def test_a_returned_key_is_found(self):
        self.record.acknowledge(2)
        self.lost({A: (b"2", -1), B: (b"2", -1)})

    def test_a_key_of_nobody_is_found(self):
        self.lost({A: (b"1", -1), (0, b"z"): (b"1", -1)})

    def test_a_lost_or_new_expiry_is_found(self):
        self.lost({A: (b"1", 5000)})
        self.record.begin("PEXPIRE b", {B: State(b"2", FAR)})
        self.record.acknowledge(3)
        self.lost({B: (b"2", -1)})
        self.assertEqual(self.judge({B: (b"2", 5000)}), 4)

    def test_what_a_reader_was_shown_binds(self):
        self.record.observe({A: b"2"}, 1, 1000, 1000)
        self.lost({A: (b"1", -1)})
        self.assertEqual(self.judge({A: (b"2", -1), B: (b"2", -1)}), 2)

    def test_a_shown_absence_binds(self):
        self.record.observe({A: None}, 1, 1000, 1000)
        self.lost({A: (b"2", -1), B: (b"2", -1)})
        self.assertEqual(self.judge({B: (b"2", -1)}), 3)

    def test_a_shown_count_binds(self):
        self.record.observe_count(2, 1)
        self.lost({A: (b"1", -1)})
        with self.assertRaises(records.Contradiction):
            self.record.observe_count(7, 0)

    def test_a_reader_cannot_be_shown_what_never_was(self):
        for shown in ({A: b"0"}, {A: b"7"}, {A: b"2", B: None}, {B: b"1"}):
            with self.assertRaises(records.Contradiction):
                self.record.observe(shown, 1, 1000, 1000)

    def test_short_expiries_count_only_until_they_are_due(self):
        self.record.begin("SET b s PXAT 5000", {B: State(b"s", 5000)})
        self.record.acknowledge(3)
        self.assertEqual(self.record.judge({B: (b"s", 100)}, 4900, 4900), 4)
        self.assertEqual(self.record.judge({}, 5100, 5100), 4)
        for found, moment in (({}, 4900), ({B: (b"s", 100)}, 5100), ({B: (b"s", -1)}, 4900)):
            with self.assertRaises(records.Contradiction):
                self.record.judge(found, moment, moment)


@unittest.skipUnless(servers.find_redis(), "needs redis-tools")
class Whole(unittest.TestCase):
    def run_loop(self, peer, rounds):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = kill_loop.run(kill_loop.parse_arguments(
                ["--settd", servers.find_redis(), "--peer", peer, "--rounds", str(rounds), "--load-max-s", "0.5"]))
        return code, output.getvalue()

    def test_a_store_that_keeps_everything_passes(self):
        code, output = self.run_loop("redis", 3)
        self.assertEqual(code, 0, output)

    def test_a_store_that_forgets_fails(self):
        code, output = self.run_loop("redis-forgetful", 1)
        self.assertEqual(code, 1, output)
        self.assertIn("Contradiction", output)


if __name__ == "__main__":
    sys.exit(servers.run_unit_tests())
