#!/usr/bin/env python3
"""Runs every client suite of this folder against a daemon started for it, and prints a line for each.

A suite is a program: exit code 0 is a pass, 77 a skip whose last line of output says why, anything else a failure. It finds
the daemon's port in CLIENT_TEST_PORT (on 127.0.0.1) and "settd" or "redis" in CLIENT_TEST_KIND. Each suite gets an empty store.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import time

import daemon as daemons

HERE = pathlib.Path(__file__).resolve().parent
SUITE_SECONDS_MAX = 180
SKIPPED = 77


def build_hiredis(folder):
    """Returns (command, None), or (None, why not)."""
    compiler = shutil.which("cc")
    if not compiler:
        return None, "no C compiler"
    program = folder / "hiredis_suite"
    built = subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-o", program, HERE / "hiredis.c", "-lhiredis"],
                           capture_output=True, text=True)
    if built.returncode != 0:
        if "hiredis/hiredis.h" in built.stderr:
            return None, "libhiredis-dev is not installed"
        raise SystemExit(f"hiredis.c does not compile:\n{built.stderr}")
    return [program], None


def install_npm(folder):
    """Gets ioredis and node-redis. Returns None, or why they cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return "node and npm are not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    node_major = int(version.lstrip("v").split(".")[0])
    if node_major < 18:
        return f"node {version.strip()} is older than the clients need"
    client_major = 6 if node_major >= 20 else 5  # 6 wants Node.js 20, Debian 12 has 18
    wanted = f"{client_major}"
    if (folder / "installed").exists() and (folder / "installed").read_text() == wanted:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", f"ioredis@{client_major}",
               f"redis@{client_major}"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "the npm registry does not answer"
    if done.returncode != 0:
        return "npm cannot install the clients: " + (done.stderr.strip().splitlines() or ["no message"])[-1]
    (folder / "installed").write_text(wanted)
    return None


def suites(build_folder, with_npm):
    """Yields (name, command or None, why not)."""
    # Debian's python3, since python3-redis belongs to that one.
    yield "redis_py", ["/usr/bin/python3", HERE / "redis_py.py"], None
    yield ("hiredis", *build_hiredis(build_folder))
    yield "redis_cli", ["bash", HERE / "redis_cli.sh"], None
    yield "redis_benchmark", ["bash", HERE / "redis_benchmark.sh"], None
    yield "sett_commands", ["/usr/bin/python3", HERE / "sett_commands.py"], None
    if with_npm:
        npm_folder = build_folder / "npm"
        reason = install_npm(npm_folder)
        for name in ("ioredis", "node_redis"):
            if reason:
                yield name, None, reason
                continue
            script = npm_folder / f"{name}.mjs"  # node looks for packages beside the script
            shutil.copyfile(HERE / f"{name}.mjs", script)
            yield name, ["node", script], None


def run_suite(command, daemon):
    """Returns (verdict, text)."""
    try:
        flushed = daemons.ask(daemon.port, "FLUSHALL")
    except OSError as error:
        return "FAILED", f"the daemon does not answer: {error}\n{daemon.output()}"
    if flushed != "+OK":
        return "FAILED", f"FLUSHALL: {flushed}"
    try:
        done = subprocess.run(command, env=daemons.environment(daemon), stdin=subprocess.DEVNULL, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SUITE_SECONDS_MAX)
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace")  # bytes here, whatever text= says
        return "FAILED", f"not done after {SUITE_SECONDS_MAX} s\n{said}"
    if done.returncode == SKIPPED:
        return "skipped", (done.stdout.strip().splitlines() or ["no reason given"])[-1]
    if done.returncode != 0:
        return "FAILED", f"exit code {done.returncode}\n{done.stdout}"
    if daemon.process.poll() is not None:
        return "FAILED", f"the daemon ended with {daemon.process.returncode}\n{daemon.output()}"
    return "passed", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--daemon", required=True, help="settd, or Debian's redis-check-rdb with --kind redis")
    parser.add_argument("--kind", choices=["settd", "redis"], default="settd")
    parser.add_argument("--npm", action="store_true", help="also the clients from npm")
    parser.add_argument("--only", action="append", help="a suite's name; may be repeated")
    parser.add_argument("--build-folder", type=pathlib.Path, default=daemons.ROOT / "build/clients")
    options, daemon_arguments = parser.parse_known_args()
    options.build_folder.mkdir(parents=True, exist_ok=True)

    failures = passes = 0
    known = []
    with daemons.Daemon(options.daemon, options.kind, daemon_arguments) as daemon:
        for name, command, reason in suites(options.build_folder.resolve(), options.npm):
            known.append(name)
            if options.only and name not in options.only:
                continue
            begin = time.monotonic()
            verdict, text = run_suite(command, daemon) if command else ("skipped", reason)
            failures += verdict == "FAILED"
            passes += verdict == "passed"
            print(f"{name:16} {verdict} {time.monotonic() - begin:6.1f} s  {text}".rstrip(), flush=True)
        code = daemon.stop()
        if code != 0:
            failures += 1
            print(f"the daemon did not stop cleanly: {code}\n{daemon.output()}")
    unknown = set(options.only or []) - set(known)
    if unknown:
        print(f"no such suite: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
        return 2
    if passes == 0 and failures == 0:
        return SKIPPED
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
