#!/usr/bin/env python3
"""Sends the same commands to settd and to redis-server and compares every byte of every reply. See README.md."""

import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import directed  # noqa: E402
import expiry  # noqa: E402
import pair as pairs  # noqa: E402
import rules  # noqa: E402
import runner as runners  # noqa: E402
import shrink  # noqa: E402
from support_py import resp, servers  # noqa: E402

PASSWORD = "secret"
SKIPPED = 77  # the exit code that ctest takes for a skipped test
COMMANDS, COMMANDS_LONG = 30_000, 1_000_000


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settd", required=True, help="path of settd, or of redis-server with --peer redis")
    parser.add_argument("--redis", help="path of redis-server 7.0 or redis-check-rdb (default: the installed one)")
    parser.add_argument("--peer", choices=["settd", "redis"], default="settd", help="what --settd is")
    parser.add_argument("--settd-arg", action="append", default=[], help="a further argument for settd; may be repeated")
    parser.add_argument("--allowed", action="append", default=[], help="a list of this folder to read before `allowed`")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--seconds", type=float, help="run random streams that long")
    parser.add_argument("--commands", type=int,
                        help=f"send that many random commands (default {COMMANDS}, with SETT_LONG {COMMANDS_LONG})")
    parser.add_argument("--epoch", type=int, help="only this epoch of the seed")
    parser.add_argument("--epoch-commands", type=int, default=3000)
    parser.add_argument("--skip-directed", action="store_true")
    parser.add_argument("--skip-random", action="store_true")
    parser.add_argument("--differences", type=int, default=1, help="random differences to find before giving up")
    return parser.parse_args(argv)


def start_pair(options, directory, password=None):
    reference_only = options.peer == "redis"
    redis_path = servers.find_redis(options.redis)
    if redis_path is None:
        print("skipped: no redis-server found: install redis-tools or pass --redis")
        sys.exit(SKIPPED)
    places = [os.path.join(directory, name) for name in (f"settd{password or ''}", f"redis{password or ''}")]
    for place in places:
        os.makedirs(place)
    redis_options = ["--requirepass", password] if password else []
    if reference_only:
        peer = servers.start_redis(servers.find_redis(options.settd), places[0], *redis_options, name="settd")
    else:
        settd_options = ["--server.requirepass", password] if password else []
        peer = servers.start_settd(options.settd, places[0], *settd_options, *options.settd_arg)
    reference = servers.start_redis(redis_path, places[1], *redis_options)
    try:
        peer.wait_ready(password=password)
        reference.wait_ready(password=password)
    except BaseException:
        peer.kill()
        reference.kill()
        raise
    pair = pairs.Pair(peer, reference, reference_only)
    version = reference_version(reference.port, password)
    if not version.startswith("7.0."):
        stop_pair(pair)
        sys.exit(f"the reference is redis-server {version}; the list `allowed` was made for 7.0")
    return pair


def reference_version(port, password):
    connection = resp.Connection(port)
    try:
        if password:
            connection.call("AUTH", password)
        info = connection.call("INFO", "server").value.decode()
        return info.split("redis_version:")[1].split("\r\n")[0]
    finally:
        connection.close()


def stop_pair(pair):
    for server in pair.servers:
        server.kill()


def report(difference, runner):
    print(difference, flush=True)
    if runner.pair.ended():
        print(runner.pair.ended())
        return
    if not difference.history:
        return
    shorter = shrink.shrink(runner, difference.history)
    if shorter is None:
        print("  not seen again when sent one by one; the last 20 commands were:")
        shorter = difference.history[-20:]
    else:
        print("  shortened to:")
    for index, args in shorter:
        print(f"    [{index}] {directed.show(args)}")
    sys.stdout.flush()


def run_directed(runner):
    differences = []
    for protocol in (2, 3):
        differences += runner.run_table(os.path.join(HERE, "directed.txt"), protocol)
        if runner.pair.ended():
            return differences
    difference = expiry.run(runner)
    return differences + ([difference] if difference else [])


def run_random(runner, options):
    """The differences found and the number of commands sent."""
    deadline = time.monotonic() + (options.seconds or 1e9)
    usual = COMMANDS_LONG if os.environ.get("SETT_LONG") else COMMANDS
    commands_max = options.commands or (10**12 if options.seconds else usual)
    found, sent = [], 0
    epochs = [options.epoch] if options.epoch is not None else range(10**9)
    for epoch in epochs:
        if sent >= commands_max or time.monotonic() >= deadline or len(found) >= options.differences:
            break
        difference, count = runner.run_epoch(options.seed, epoch, min(options.epoch_commands, commands_max - sent),
                                             deadline)
        sent += count
        if difference:
            found.append(difference)
            report(difference, runner)
        if runner.pair.ended():
            print(runner.pair.ended())
            break
    return found, sent


def summary(runner, allowed, sent):
    print(runner.coverage.table())
    print(f"{sent} random commands, {len(runner.coverage.sent)} distinct commands and subcommands covered")
    unused = [rule.line for rule in allowed.rules if not allowed.uses[rule.line]]
    print(f"allowed: {len(allowed.rules)} lines" + (f", not used in this run: {unused}" if unused else ""))


def read_lists(more):
    texts = []
    for name in [*more, "allowed"]:
        with open(os.path.join(HERE, name), encoding="utf-8") as text:
            texts.append(text.read())
    return "".join(texts)


def run(options):
    allowed = rules.Allowed(read_lists(options.allowed))
    found, sent = [], 0
    with servers.TemporaryDirectory("differential-") as directory:
        coverage = runners.Coverage()
        if not options.skip_directed:
            pair = start_pair(options, directory.path, PASSWORD)
            runner = runners.Runner(pair, allowed)
            runner.coverage = coverage
            try:
                found += runner.run_table(os.path.join(HERE, "directed_auth.txt"), None)
            finally:
                stop_pair(pair)
        pair = start_pair(options, directory.path)
        runner = runners.Runner(pair, allowed)
        runner.coverage = coverage
        try:
            if not options.skip_directed:
                found += run_directed(runner)
            for difference in found:
                print(difference)
            if not options.skip_random and not pair.ended():
                random_found, sent = run_random(runner, options)
                found += random_found
            if pair.ended():
                print(pair.ended())
        finally:
            stop_pair(pair)
        directory.keep = bool(found)
        if found:
            print(f"data and logs: {directory.path}")
        summary(runner, allowed, sent)
    print(f"{len(found)} differences, seed {options.seed}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run(parse_arguments(sys.argv[1:])))
