#!/usr/bin/env python3
"""Checks the tree against the rules in rules.py and prints every violation: layout_test.py [ROOT].

tests/layout/allowed lists exceptions, one per line: rule, path, reason. One that nothing needs any more is a violation too,
so the list only shrinks.
"""

import pathlib
import sys

import rules
import tree as trees

ALLOWED = "tests/layout/allowed"


def allowances(tree):
    """Returns {(rule, path): line number} and the violations of the list itself."""
    found, wrong = {}, []
    if tree.exists(ALLOWED):
        for number, line in enumerate(tree.text(ALLOWED).splitlines(), 1):
            words = line.split(maxsplit=2)
            if not words or line.startswith("#"):
                continue
            if len(words) < 3:
                wrong.append(("allowed", ALLOWED, f"line {number} wants: rule, path, reason"))
            else:
                found[(words[0], words[1])] = number
    return found, wrong


def violations(root):
    tree = trees.Tree(root)
    allowed, found = allowances(tree)
    needed = set()
    for rule in rules.RULES:
        for violation in rule(tree):
            if violation[:2] in allowed:
                needed.add(violation[:2])
            else:
                found.append(violation)
    found += [("allowed", ALLOWED, f"line {number} allows what no longer happens: {name} {path}")
              for (name, path), number in allowed.items() if (name, path) not in needed]
    return found


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    found = violations(root)
    for rule, path, text in found:
        print(f"{path}: {text} [{rule}]")
    print(f"{len(found)} violations" if found else "the layout holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
