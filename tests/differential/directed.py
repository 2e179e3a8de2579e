"""The format of the directed tables, and how commands are printed.

A line is a command: words, or "quoted words" with \\n \\r \\t \\\\ \\" \\xNN. `{s+N}` and `{ms+N}` stand for the time of
the run in seconds or milliseconds plus N (N may be negative), `{X*N}` for the character X N times. Lines that begin
with % steer the run: `%new` (another connection), `%reset` (another connection, empty keyspace), `%sleep S`,
`%raw words` (the words' bytes alone and a PING on a connection of its own, compared until the close), `%rawonly` (the
same without the PING; no successful HELLO in either, because its reply has a connection id). `#` begins a comment line.
"""

import re
import time

import rules

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_PLACEHOLDER = re.compile(r"\{(?:(s|ms)([+-]\d+)|(.)\*(\d+))\}")


def _fill(match, now_s):
    unit, offset, character, count = match.groups()
    if unit:
        return str((int(now_s) if unit == "s" else int(now_s * 1000)) + int(offset))
    return character * int(count)


def parse_words(line, now_s):
    words = []
    for quoted, bare in _TOKEN.findall(line):
        text = quoted if quoted or not bare else bare
        filled = _PLACEHOLDER.sub(lambda match: _fill(match, now_s), text)
        words.append(rules.unescape(filled) if not bare else filled.encode())
    return words


def read(path):
    """Yields (line number, verb, words); verb is "command" or a word after %; words are bytes."""
    now_s = time.time()
    with open(path, encoding="utf-8") as table:
        for number, line in enumerate(table, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("%"):
                verb, _, rest = line[1:].partition(" ")
                if verb not in ("new", "reset", "sleep", "raw", "rawonly"):
                    raise ValueError(f"{path}:{number}: unknown directive %{verb}")
                yield number, verb, parse_words(rest, now_s)
            else:
                yield number, "command", parse_words(line, now_s)


def show(args):
    """A command on one line, readable by `parse_words`; long words are cut."""
    shown = []
    for arg in args:
        text = arg if len(arg) <= 200 else arg[:150] + b"..(%d bytes)" % len(arg)
        if re.fullmatch(rb"[\w:.,+*#=@/()\[\]{}?^-]+", text):
            shown.append(text.decode())
        else:
            shown.append('"' + "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
                                       for byte in text) + '"')
    return " ".join(shown)
