"""The list `allowed`: which replies may differ from redis-server's, and the check that replaces equality.

A line is `PATTERN | CHECK | REASON`. PATTERN is words, each a case-insensitive glob for one argument of the
command, with the escapes of `unescape`; a last word `...` takes any further arguments, none included. The bytes of
a %raw line of a table are matched as the two words `%raw` and the bytes. The first line that matches counts.
Each check is a function (parameters, settd's reply, redis's reply, context) -> None or what is wrong.
"""

import collections
import fnmatch
import math
import re
import shlex

Rule = collections.namedtuple("Rule", "line pattern check parameters reason")


class Context:
    """What a check may ask for beside the two replies.

    slack_ms: how far apart the two servers may have run the commands since the keyspace was last emptied.
    reference_only: both sides are redis-server (the self-test); a text of 7.2 may then be that of 7.0.
    exists: key -> (count on settd, count on redis). scan_rest: the two sets of keys that the rest of a full
    iteration gives. all_keys: the two sets of keys of a fresh full iteration without options. settled: redis's DBSIZE
    once it has looked at every key. value: the value of the command's last argument on both sides.
    """

    def __init__(self, slack_ms=0.0, reference_only=False, exists=None, scan_rest=None, all_keys=None,
                 settled=None, value=None):
        self.slack_ms = slack_ms
        self.reference_only = reference_only
        self.exists = exists
        self.scan_rest = scan_rest
        self.all_keys = all_keys
        self.settled = settled
        self.value = value


def unescape(text):
    """The bytes that a quoted word of `allowed` or a directed table stands for."""
    simple = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\", '"': b'"', "a": b"\a", "b": b"\b"}
    out = bytearray()
    i = 0
    while i < len(text):
        if text[i] != "\\" or i + 1 == len(text):
            out += text[i].encode()
            i += 1
        elif text[i + 1] == "x":
            out.append(int(text[i + 2:i + 4], 16))
            i += 4
        elif text[i + 1] in simple:
            out += simple[text[i + 1]]
            i += 2
        else:
            raise ValueError(f"unknown escape in {text!r}")
    return bytes(out)


def _raw(reply):
    return reply.raw


def check_multiset(parameters, settd, redis, _context):
    """Two arrays or sets with the same elements, or with `pairs` the same pairs, in any order."""
    if settd.kind != redis.kind or not isinstance(settd.value, list) or not isinstance(redis.value, list):
        return f"kinds {settd.kind} and {redis.kind} instead of two arrays"

    def elements(reply):
        raws = [item.raw for item in reply.value]
        step = 2 if "pairs" in parameters else 1
        return collections.Counter(tuple(raws[i:i + step]) for i in range(0, len(raws), step))

    missing = elements(redis) - elements(settd)
    extra = elements(settd) - elements(redis)
    if missing or extra:
        return f"missing {list(missing)[:5]}, too many {list(extra)[:5]}"
    return None


def _as_number(reply):
    if reply.kind == ":":
        return reply.value
    if reply.kind == "*" and reply.value and len(reply.value) == 2:
        return (int(reply.value[0].value) * 1_000_000 + int(reply.value[1].value)) / 1000
    return None


def check_time(parameters, settd, redis, context):
    """Integers (or TIME's pair, then in ms) at most N units apart; negative ones are codes and must be equal."""
    limit, unit = float(parameters[0]), parameters[1]
    if settd.kind != redis.kind or _as_number(settd) is None or _as_number(redis) is None:
        return f"no two times: {settd.raw[:100]!r} and {redis.raw[:100]!r}"
    slack = context.slack_ms if unit == "ms" else math.ceil(context.slack_ms / 1000)
    ours, theirs = _as_number(settd), _as_number(redis)
    if ours < 0 or theirs < 0:
        return None if ours == theirs else f"{ours} instead of {theirs}"
    if abs(ours - theirs) > limit + slack:
        return f"{ours} is {abs(ours - theirs)} {unit} away from {theirs}, allowed {limit} + {slack}"
    return None


def check_text72(parameters, settd, redis, context):
    """settd answers exactly this text, which redis-server 7.0 does not know yet."""
    expected = unescape(parameters[0])
    if settd.raw == expected or (context.reference_only and settd.raw == redis.raw):
        return None
    return f"{settd.raw[:200]!r} instead of {expected!r}"


def check_instead(parameters, settd, redis, _context):
    """Equal, or: where redis 7.0 answers a text before the `->`, settd answers one behind it."""
    if settd.raw == redis.raw:
        return None
    arrow = parameters.index("->")
    before, after = [[unescape(word) for word in words] for words in (parameters[:arrow], parameters[arrow + 1:])]
    if redis.raw in before and settd.raw in after:
        return None
    return f"{settd.raw[:200]!r} instead of {redis.raw[:200]!r}"


def check_replaced(parameters, settd, redis, context):
    """settd's bytes are redis's with the first text replaced by the second."""
    old, new = (unescape(word) for word in parameters)
    if context.reference_only and settd.raw == redis.raw:
        return None
    if old in redis.raw and settd.raw == redis.raw.replace(old, new, 1):
        return None
    return f"{settd.raw[:200]!r} is not {redis.raw[:200]!r} with {new!r} for {old!r}"


def check_encoding(_parameters, settd, redis, context):
    """settd's encoding follows from the value alone; redis's may also tell that the value was changed in place."""
    if settd.kind != "$" or settd.value is None:
        return None if settd.raw == redis.raw else f"{settd.raw[:100]!r} instead of {redis.raw[:100]!r}"
    ours, theirs = context.value()
    if ours is None or ours != theirs:
        return f"the values differ: {ours!r} and {theirs!r}"
    is_int = re.fullmatch(rb"0|-?[1-9]\d{0,18}", ours) and -2**63 <= int(ours) < 2**63
    expected = b"int" if is_int else b"embstr" if len(ours) <= 44 else b"raw"
    if not context.reference_only and settd.value != expected:
        return f"{settd.value!r} instead of {expected!r} for {ours[:100]!r}"
    if redis.value not in (expected, b"embstr", b"raw"):
        return f"redis says {redis.value!r} of {ours[:100]!r}"
    return None


def _fields_of(reply):
    """Field -> value of a map, a flat list, `a=b c=d` or INFO's lines; None if it is none of them."""
    if isinstance(reply.value, list):
        if len(reply.value) % 2:
            return None
        return {item.value: reply.value[i + 1] for i, item in enumerate(reply.value) if i % 2 == 0}
    if not isinstance(reply.value, bytes):
        return None
    separator, parts = (b":", reply.value.split(b"\r\n")) if b"\r\n" in reply.value else (b"=", reply.value.split())
    return dict(part.split(separator, 1) for part in parts if separator in part)


def check_fields(parameters, settd, redis, context):
    """Both have the named fields. `f:int`: ours is an integer; `f:same`: the values are equal; `f:new`: only ours.

    `f:flags72`: equal but for T (no-touch) and e (no-evict), which RESET takes away since 7.2.
    """
    if settd.kind != redis.kind:
        return f"kind {settd.kind} instead of {redis.kind}"
    ours, theirs = _fields_of(settd), _fields_of(redis)
    if ours is None or theirs is None:
        return f"no fields in {settd.raw[:100]!r} or {redis.raw[:100]!r}"
    for parameter in parameters:
        name, _, demand = parameter.partition(":")
        if demand == "new" and context.reference_only:
            continue
        field = name.encode()
        if field not in ours:
            return f"field {name} is missing"
        if demand != "new" and field not in theirs:
            return f"redis has no field {name}"
        value = getattr(ours[field], "value", ours[field])
        if demand == "int" and not re.fullmatch(rb"-?\d+", str(value).encode() if isinstance(value, int) else value):
            return f"field {name} is {value!r}, not an integer"
        if demand == "same" and _comparable(ours[field]) != _comparable(theirs[field]):
            return f"field {name} is {_comparable(ours[field])!r} instead of {_comparable(theirs[field])!r}"
        if demand == "flags72" and not _flags_fit(set(value.decode()), set(theirs[field].decode())):
            return f"field {name} is {value!r} instead of {theirs[field]!r}"
    return None


def _flags_fit(ours, theirs):
    ours, theirs = ours - {"N", "T"}, theirs - {"N"}
    return ours in (theirs, theirs - {"e"})


def _comparable(value):
    return getattr(value, "raw", value)


def check_docs(parameters, settd, redis, context):
    """COMMAND DOCS: the same commands, and for each the named fields."""
    ours, theirs = _fields_of(settd), _fields_of(redis)
    if settd.kind != redis.kind or ours is None or theirs is None or set(ours) != set(theirs):
        return f"not the same commands: {settd.raw[:200]!r} and {redis.raw[:200]!r}"
    for name, doc in ours.items():
        problem = check_fields(parameters, doc, theirs[name], context)
        if problem:
            return f"{name!r}: {problem}"
    return None


def check_head(parameters, settd, redis, _context):
    """The same kind of array, the first N elements equal."""
    count = int(parameters[0])
    if settd.kind != redis.kind or not isinstance(settd.value, list) or not isinstance(redis.value, list):
        return f"kinds {settd.kind} and {redis.kind} instead of two arrays"
    ours, theirs = [list(map(_raw, reply.value[:count])) for reply in (settd, redis)]
    return None if ours == theirs else f"{ours!r} instead of {theirs!r}"


def check_heads(parameters, settd, redis, context):
    """Arrays of arrays of the same length; of each inner one the first N elements are equal, as sets where sets are."""
    count = int(parameters[0])
    if settd.kind != redis.kind or len(settd.value or []) != len(redis.value or []):
        return f"{settd.raw[:100]!r} and {redis.raw[:100]!r} differ in kind or length"
    for ours, theirs in zip(settd.value, redis.value):
        if not isinstance(ours.value, list) or not isinstance(theirs.value, list):
            if ours.raw != theirs.raw:
                return f"{ours!r} instead of {theirs!r}"
            continue
        if len(ours.value) != len(theirs.value):
            return f"{len(ours.value)} elements instead of {len(theirs.value)} for {theirs.value[0]!r}"
        for mine, other in zip(ours.value[:count], theirs.value[:count]):
            aggregate = isinstance(mine.value, list) and isinstance(other.value, list)
            if mine.raw != other.raw and (not aggregate or check_multiset([], mine, other, context)):
                return f"{mine!r} instead of {other!r} for {theirs.value[0]!r}"
    return None


def check_range(parameters, settd, redis, _context):
    """Two integers from LOW to HIGH, or the same reply."""
    if settd.raw == redis.raw and settd.kind != ":":
        return None
    low, high = float(parameters[0]), float(parameters[1])
    for reply in (settd, redis):
        if reply.kind != ":" or not low <= reply.value <= high:
            return f"{reply.raw[:100]!r} is no integer from {parameters[0]} to {parameters[1]}"
    return None


def check_regex(parameters, settd, redis, _context):
    """Both replies match the regular expression from their first byte on."""
    expression = re.compile(parameters[0].encode(), re.DOTALL)
    for name, reply in (("settd", settd), ("redis", redis)):
        if not expression.match(reply.raw):
            return f"{name}'s {reply.raw[:200]!r} does not match {parameters[0]}"
    return None


def check_member(_parameters, settd, redis, context):
    """Both null, or each names a key that exists on both sides."""
    if settd.kind != redis.kind or (settd.value is None) != (redis.value is None):
        return f"{settd.raw[:100]!r} and {redis.raw[:100]!r}"
    for reply in (settd, redis):
        if reply.value is not None and context.exists(reply.value) != (1, 1):
            return f"key {reply.value!r} does not exist on both sides"
    return None


def check_scan(parameters, settd, redis, context):
    """Well-formed; iterated to its end both give the same keys, or with `some` (foreign cursor) keys that exist."""
    if settd.is_error or redis.is_error:
        return None if settd.raw == redis.raw else f"{settd.raw[:100]!r} instead of {redis.raw[:100]!r}"
    for reply in (settd, redis):
        shape = reply.kind + "".join(item.kind for item in reply.value or [])
        if shape != "*$*" or not re.fullmatch(rb"\d+", reply.value[0].value):
            return f"{reply.raw[:100]!r} is no reply of SCAN"
    ours, theirs = context.scan_rest(settd, redis)
    if "some" in parameters:
        all_ours, all_theirs = context.all_keys()
        stray = (ours - all_ours) | (theirs - all_theirs) | (all_ours ^ all_theirs)
        return f"keys that are not everywhere: {sorted(stray)[:5]}" if stray else None
    if ours != theirs:
        return f"missing {sorted(theirs - ours)[:5]}, too many {sorted(ours - theirs)[:5]}"
    return None


def check_settled(_parameters, settd, redis, context):
    """A count that is exact on settd's side, and on redis's once it has looked at every key."""
    if settd.raw == redis.raw:
        return None
    counted = context.settled()
    return None if settd.raw == counted else f"{settd.raw!r} instead of {counted!r} once redis has looked at every key"


CHECKS = {
    "multiset": check_multiset, "time": check_time, "text72": check_text72, "text": check_text72,
    "instead": check_instead, "fields": check_fields, "docs": check_docs, "head": check_head, "heads": check_heads,
    "range": check_range, "regex": check_regex, "member": check_member, "scan": check_scan,
    "settled": check_settled, "replaced": check_replaced, "encoding": check_encoding,
}

# Checks that equal bytes always satisfy.
EQUAL_IS_ENOUGH = {"multiset", "time", "instead", "fields", "docs", "head", "heads"}

# Checks that send further commands, so the command must not stand in the middle of a pipeline.
CHECKS_THAT_ASK = {"member", "scan", "settled", "encoding"}


def _matches(pattern, args):
    words = [arg.decode("latin-1").upper() for arg in args]
    if pattern[-1] == "...":
        if len(words) < len(pattern) - 1:
            return False
        pattern = pattern[:-1]
    elif len(words) != len(pattern):
        return False
    return all(fnmatch.fnmatchcase(word, glob) for word, glob in zip(words, pattern))


class Allowed:
    """The parsed list, with a count of uses per line."""

    def __init__(self, text):
        self.rules = []
        self.uses = collections.Counter()
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            parts = [part.strip() for part in line.split(" | ")]
            if len(parts) != 3 or not parts[2]:
                raise ValueError(f"allowed:{number}: expected PATTERN | CHECK | REASON")
            lexer = shlex.shlex(parts[1], posix=True)
            lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
            check, *parameters = list(lexer)
            if check not in CHECKS:
                raise ValueError(f"allowed:{number}: unknown check {check}")
            pattern = [unescape(word).decode("latin-1").upper() for word in parts[0].split()]
            self.rules.append(Rule(number, pattern, check, parameters, parts[2]))

    def find(self, args):
        for rule in self.rules:
            if args and _matches(rule.pattern, args):
                return rule
        return None

    def compare(self, args, settd, redis, context):
        """None if the two replies are fine, else what is wrong with settd's."""
        rule = self.find(args)
        if rule is None:
            return None if settd.raw == redis.raw else "the bytes differ"
        self.uses[rule.line] += 1
        if settd.kind == "closed" or redis.kind == "closed":
            return None if settd.raw == redis.raw else "the bytes differ"
        if rule.check not in ("text72", "text", "range", "scan") and settd.is_error and redis.is_error:
            return None if settd.raw == redis.raw else "the bytes differ"
        if settd.raw == redis.raw and rule.check in EQUAL_IS_ENOUGH:
            return None
        problem = CHECKS[rule.check](rule.parameters, settd, redis, context)
        return None if problem is None else f"allowed:{rule.line} ({rule.check}): {problem}"
