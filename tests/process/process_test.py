"""Runs the tests of this folder: process_test.py SETTD [TEST...]."""

import os
import sys

import settd

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} SETTD [TEST...]")
    settd.binary = os.path.abspath(sys.argv.pop(1))
    from badger_test import *  # noqa: F401,F403
    from limit_test import *  # noqa: F401,F403
    from offline_test import *  # noqa: F401,F403
    from refusal_test import *  # noqa: F401,F403
    from signal_test import *  # noqa: F401,F403
    from tests.support_py import servers
    sys.exit(servers.run_unit_tests())
