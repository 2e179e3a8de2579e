"""Random commands over a small keyspace, made so that they meet each other.

Keys that get an expiry get it either far ahead or in the past, so that none expires in between on one side
only; that is why no small positive number may become the argument of an expiry.
"""

import random

SMALL_KEYS = ([b"a", b"b", b"key:1", b"key:2", b"key:3", b"key:10", b"prefix:a", b"prefix:ab", b"prefix:abc", b"{tag}1",
               b"{tag}2", b"x{tag}", b"\x00", b"\x00\x00", b"\xff\xfe\r\n", b"", b"k y", b"hello", b"hallo", b"h*llo",
               b"h[e]llo", b"\\", "ключ".encode(), b"K" * 300, b"counter", b"float", b"bits", b"bits2"])
LARGE_KEYS = [b"large:1", b"large:2"]
KEYS = SMALL_KEYS + LARGE_KEYS

GLOBS = [b"*", b"key:*", b"prefix:?", b"h[ae]llo", b"h\\*llo", b"[^a]*", b"key:[1-5]", b"key:[5-1]", b"[", b"\\", b"",
         b"??", b"*\xff*", b"*l*o", b"h[^e]llo", b"h[", b"K*", b"\x00*", b"[a-z]", b"**a**", b"hello", b"h[\\*]llo"]

NUMBERS = [b"0", b"1", b"-1", b"2", b"7", b"10", b"-10", b"100", b"9999", b"10000", b"2147483647", b"-2147483648",
           b"4294967296", b"9223372036854775806", b"9223372036854775807", b"-9223372036854775808"]
ODD_NUMBERS = [b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"99999999999999999999999",
               b"+1", b"01", b" 1", b"1 ", b"1.0", b"0x10", b"1e3", b"", b"-", b"-0", b"abc", b"nan", b"inf"]
FLOATS = [b"0.1", b"-0.1", b"3.0e3", b"1.5", b"-2.25", b"1e10", b"0.0000001", b"10.5", b"123456789.125", b"1e-20",
          b"3.14159265358979", b"-1.1", b"5e3", b"1e17", b"0", b"1", b"-7", b"1e400", b"inf", b"-inf", b"nan", b"1.2.3"]
# Never a small positive number: see above.
GARBAGE = [b"", b"abc", b"-1", b"0", b"99999999999999999999", b"9223372036854775807", b"1.5", b" 1", b"1 ", b"0x10",
           b"-9223372036854775808", b"+1", b"\x00", b"\xff\xff", b"nx", b"GET", b"zzz", b"\r\n", b"9223372036854775808"]

FIELD_TYPES = [b"u1", b"u2", b"u4", b"u8", b"i8", b"u16", b"i16", b"i5", b"u31", b"i32", b"u32", b"u63", b"i63", b"i64"]
ODD_FIELD_TYPES = [b"u64", b"i65", b"u0", b"i0", b"x8", b"u", b"8", b"", b"u-1", b"U8", b"I16"]

# SELECT takes names in sett, so a spoilt number is no error there.
NO_MUTATION = {b"DEBUG", b"CLIENT", b"SELECT"}


def value(rng):
    kind = rng.randrange(12)
    if kind < 3:
        return rng.choice(NUMBERS)
    if kind == 3:
        return rng.choice(ODD_NUMBERS)
    if kind == 4:
        return rng.choice(FLOATS)
    if kind == 5:
        return rng.choice([b"\x00" * 5, b"\xff" * 7, b"\xaa\x55" * 6, b"\x80", b"\x01", b"\x00\x00\x01", b"\xff\x00\xf0"])
    if kind == 6:
        return rng.randbytes(rng.randrange(1, 80))
    if kind == 7:
        return rng.choice([b"ohmytext", b"mynewtext", b"foobar", b"foofoobarbar", b"hello world", b"a", b"\r\n"])
    if kind == 8:
        return bytes([rng.randrange(97, 100)]) * rng.choice([43, 44, 45, 46, 20, 21])
    if kind == 9:
        return b""
    if kind == 10:
        return str(rng.randrange(-10**6, 10**6)).encode()
    return bytes(rng.choice(b"abcd") for _ in range(rng.randrange(1, 60)))


def large_value(rng):
    return bytes([rng.randrange(256)]) * rng.choice([2000, 4095, 4096, 16384, 40000, 70000])


def key(rng):
    return rng.choice(SMALL_KEYS)


def some_keys(rng, count_max=4):
    return [key(rng) for _ in range(rng.randint(1, count_max))]


def number(rng):
    return rng.choice(ODD_NUMBERS) if rng.random() < 0.1 else rng.choice(NUMBERS)


def small_number(rng):
    return rng.choice(ODD_NUMBERS) if rng.random() < 0.05 else str(rng.randrange(-30, 60)).encode()


def bit_offset(rng):
    pick = rng.random()
    if pick < 0.05:
        return rng.choice([b"4294967296", b"-1", b"abc", b"", b"9223372036854775807", b"1.5"])
    return str(rng.randrange(64) if pick < 0.7 else rng.randrange(20000)).encode()


def far_seconds(rng):
    return str(rng.randrange(10**7, 10**8)).encode()


def far_ms(rng):
    return str(rng.randrange(10**10, 10**11)).encode()


def odd_expiry(rng):
    return rng.choice([b"0", b"-1", b"-9223372036854775808", b"9223372036854775807", b"abc", b"", b"1.5",
                       b"9223372036854775808", b"92233720368547758"])


def seconds(rng):
    return odd_expiry(rng) if rng.random() < 0.12 else far_seconds(rng)


def milliseconds(rng):
    return odd_expiry(rng) if rng.random() < 0.12 else far_ms(rng)


def unix_seconds(rng):
    pick = rng.random()
    if pick < 0.1:
        return odd_expiry(rng)
    return b"1000" if pick < 0.2 else str(rng.randrange(2 * 10**9, 2 * 10**9 + 50) * 2).encode()


def unix_ms(rng):
    pick = rng.random()
    if pick < 0.1:
        return odd_expiry(rng)
    return b"1000" if pick < 0.2 else str(rng.randrange(2 * 10**12, 2 * 10**12 + 50) * 2).encode()


def expiry_option(rng):
    return rng.choice([lambda: [b"EX", seconds(rng)], lambda: [b"PX", milliseconds(rng)],
                       lambda: [b"EXAT", unix_seconds(rng)], lambda: [b"PXAT", unix_ms(rng)]])()


def make_set(rng):
    options = []
    if rng.random() < 0.35:
        options.append(expiry_option(rng))
    if rng.random() < 0.25:
        options.append([rng.choice([b"NX", b"XX"])])
    if rng.random() < 0.2:
        options.append([b"GET"])
    if rng.random() < 0.12:
        options.append([b"KEEPTTL"])
    if rng.random() < 0.03:
        options.append([rng.choice([b"NX", b"XX", b"BOGUS", b"EX", b"PERSIST"])])
    rng.shuffle(options)
    return [b"SET", key(rng), value(rng)] + sum(options, [])


def make_getex(rng):
    option = expiry_option(rng) if rng.random() < 0.7 else rng.choice([[b"PERSIST"], [], [b"BOGUS"]])
    return [b"GETEX", key(rng)] + option


def make_mset(rng):
    args = [rng.choice([b"MSET", b"MSETNX"])]
    for _ in range(rng.randint(1, 4)):
        args += [key(rng), value(rng)]
    if rng.random() < 0.05:
        args.append(key(rng))
    return args


def make_lcs(rng):
    options = []
    for option in ([b"LEN"], [b"IDX"], [b"MINMATCHLEN", small_number(rng)], [b"WITHMATCHLEN"]):
        if rng.random() < 0.35:
            options.append(option)
    rng.shuffle(options)
    return [b"LCS", key(rng), key(rng)] + sum(options, [])


def make_bitcount(rng):
    args = [b"BITCOUNT", key(rng)]
    if rng.random() < 0.7:
        args += [small_number(rng), small_number(rng)]
        if rng.random() < 0.5:
            args.append(rng.choice([b"BYTE", b"BIT", b"bit", b"BOGUS"]))
    elif rng.random() < 0.1:
        args.append(small_number(rng))
    return args


def make_bitpos(rng):
    args = [b"BITPOS", key(rng), rng.choice([b"0", b"1", b"1", b"0", b"2"])]
    for _ in range(rng.randrange(3)):
        args.append(small_number(rng))
    if len(args) == 5 and rng.random() < 0.5:
        args.append(rng.choice([b"BYTE", b"BIT", b"byte", b"BOGUS"]))
    return args


def make_bitop(rng):
    operation = rng.choice([b"AND", b"OR", b"XOR", b"NOT", b"and", b"BOGUS"])
    return [b"BITOP", operation, key(rng)] + some_keys(rng, 1 if operation == b"NOT" and rng.random() < 0.8 else 4)


def make_bitfield(rng):
    read_only = rng.random() < 0.25
    args = [b"BITFIELD_RO" if read_only else b"BITFIELD", key(rng)]
    for _ in range(rng.randint(0, 4)):
        kind = rng.choice(ODD_FIELD_TYPES) if rng.random() < 0.03 else rng.choice(FIELD_TYPES)
        offset = rng.choice([b"#%d" % rng.randrange(20), bit_offset(rng), bit_offset(rng)])
        pick = rng.randrange(10)
        if pick < 3 or (read_only and pick < 9):
            args += [b"GET", kind, offset]
        elif pick < 5:
            args += [b"SET", kind, offset, number(rng)]
        elif pick < 8:
            args += [b"INCRBY", kind, offset, number(rng)]
        elif pick == 8:
            args += [b"OVERFLOW", rng.choice([b"WRAP", b"SAT", b"FAIL", b"sat", b"BOGUS"])]
        else:
            args += [rng.choice([b"get", b"SET", b"BOGUS"]), kind]
    return args


def make_scan(rng):
    args = [b"SCAN", rng.choice([b"0"] * 12 + [b"abc", b"", b"-1", b"18446744073709551615", b"00"])]
    options = []
    if rng.random() < 0.6:
        options.append([b"MATCH", rng.choice(GLOBS)])
    if rng.random() < 0.6:
        options.append([b"COUNT", rng.choice([b"1", b"2", b"10", b"1000", b"0", b"-1", b"abc"])])
    if rng.random() < 0.3:
        options.append([b"TYPE", rng.choice([b"string", b"STRING", b"list", b"bogus"])])
    rng.shuffle(options)
    return args + sum(options, [])


def make_expire(rng):
    name, moment = rng.choice([(b"EXPIRE", seconds), (b"PEXPIRE", milliseconds), (b"EXPIREAT", unix_seconds),
                               (b"PEXPIREAT", unix_ms)])
    args = [name, key(rng), moment(rng)]
    while rng.random() < 0.4 and len(args) < 6:
        args.append(rng.choice([b"NX", b"XX", b"GT", b"LT", b"gt", b"lt"]))
    return args


def make_copy(rng):
    args = [b"COPY", key(rng), key(rng)]
    if rng.random() < 0.5:
        args += [b"DB", rng.choice([b"0", b"1", b"2", b"3", b"15", b"16", b"-1", b"abc"])]
    if rng.random() < 0.5:
        args.append(b"REPLACE")
    return args


def make_getkeys(rng):
    name = rng.choice([b"GETKEYS", b"GETKEYSANDFLAGS"])
    inner = rng.choice([lambda: make_set(rng), lambda: make_mset(rng), lambda: make_bitop(rng), lambda: make_copy(rng),
                        lambda: [b"GET", key(rng)], lambda: [b"PING"], lambda: [b"DEL"] + some_keys(rng),
                        lambda: [b"BOGUS", b"x"], lambda: [b"GET"], lambda: [b"EXISTS", key(rng), key(rng)]])()
    return [b"COMMAND", name] + inner


def make_client(rng):
    return [b"CLIENT"] + rng.choice([
        [b"ID"], [b"GETNAME"], [b"SETNAME", b"name"], [b"SETNAME", b""], [b"SETNAME", b"a b"], [b"INFO"],
        [b"NO-EVICT", b"on"], [b"NO-EVICT", b"off"], [b"NO-EVICT", b"x"], [b"NO-TOUCH", b"on"], [b"NO-TOUCH", b"off"],
        [b"UNBLOCK", b"999999"], [b"UNBLOCK", b"abc"], [b"KILL", b"ID", b"9999999"], [b"KILL", b"1.2.3.4:5"],
        [b"SETINFO", b"LIB-NAME", b"lib"], [b"SETINFO", b"lib-ver", b"1.0"], [b"BOGUS"], [b"SETNAME"], [b"LIST", b"ID", b"9999999"]])


def make_select(rng):
    return [b"SELECT", rng.choice([b"0", b"0", b"1", b"1", b"2", b"15", b"16", b"-1", b"99999999999"])]


def make_unknown(rng):
    return rng.choice([[b"BOGUS"], [b"bogus", key(rng), value(rng)], [b""], [b"\x00\xff"], [b"GETT", b"x" * 200], [b"x" * 200],
                       [b"FOO\r\nBAR"], [b"OBJECT", b"BOGUS", b"x"], [b"CONFIG", b"BOGUS"], [b"COMMAND", b"BOGUS"]])


def simple(name, *makers):
    return lambda rng: [name] + [maker(rng) for maker in makers]


# (weight, maker)
COMMANDS = [
    (30, make_set), (14, simple(b"GET", key)), (4, simple(b"GETDEL", key)), (8, make_getex),
    (4, simple(b"GETSET", key, value)), (5, lambda rng: [b"MGET"] + some_keys(rng)), (7, make_mset),
    (4, simple(b"SETNX", key, value)), (4, simple(b"SETEX", key, seconds, value)),
    (4, simple(b"PSETEX", key, milliseconds, value)), (7, simple(b"APPEND", key, value)), (4, simple(b"STRLEN", key)),
    (6, simple(b"GETRANGE", key, small_number, small_number)), (2, simple(b"SUBSTR", key, small_number, small_number)),
    (6, lambda rng: [b"SETRANGE", key(rng), rng.choice([b"0", b"1", b"5", b"44", b"300", b"-1", b"536870912", b"abc",
                                                        b"9223372036854775807"]), value(rng)]),
    (4, simple(b"INCR", key)), (4, simple(b"DECR", key)), (5, simple(b"INCRBY", key, number)),
    (5, simple(b"DECRBY", key, number)), (7, lambda rng: [b"INCRBYFLOAT", key(rng), rng.choice(FLOATS)]),
    (3, lambda rng: [rng.choice([b"INCR", b"DECR"]), b"counter"]), (3, lambda rng: [b"INCRBYFLOAT", b"float", rng.choice(FLOATS)]),
    (5, make_lcs), (6, lambda rng: [b"SETBIT", key(rng), bit_offset(rng), rng.choice([b"0", b"1", b"1", b"2", b"x"])]),
    (5, simple(b"GETBIT", key, bit_offset)), (6, make_bitcount), (6, make_bitpos), (6, make_bitop), (10, make_bitfield),
    (8, lambda rng: [rng.choice([b"DEL", b"UNLINK"])] + some_keys(rng)), (5, lambda rng: [b"EXISTS"] + some_keys(rng)),
    (3, simple(b"TYPE", key)), (3, lambda rng: [b"TOUCH"] + some_keys(rng)), (4, lambda rng: [b"KEYS", rng.choice(GLOBS)]),
    (4, make_scan), (2, lambda rng: [b"RANDOMKEY"]), (5, simple(b"RENAME", key, key)), (4, simple(b"RENAMENX", key, key)),
    (8, make_copy), (4, lambda rng: [b"MOVE", key(rng), rng.choice([b"0", b"1", b"2", b"15", b"16", b"-1", b"abc"])]),
    (16, make_expire), (3, simple(b"TTL", key)), (4, simple(b"PTTL", key)), (3, simple(b"EXPIRETIME", key)),
    (4, simple(b"PEXPIRETIME", key)), (5, simple(b"PERSIST", key)), (6, simple(b"OBJECT", lambda rng: b"ENCODING", key)),
    (2, simple(b"OBJECT", lambda rng: rng.choice([b"REFCOUNT", b"IDLETIME", b"FREQ", b"HELP", b"refcount"]), key)),
    (4, make_select), (2, lambda rng: [b"DBSIZE"]), (2, lambda rng: [b"PING"] + rng.choice([[], [value(rng)], [b"a", b"b"]])),
    (2, simple(b"ECHO", value)), (2, lambda rng: [b"HELLO"] + rng.choice([[], [b"2"], [b"3"], [b"3"], [b"4"], [b"x"],
                                                                        [b"3", b"SETNAME", b"me"], [b"2", b"BOGUS"],
                                                                        [b"3", b"AUTH", b"default", b"x"]])),
    (0.5, lambda rng: [b"RESET"]), (5, make_client), (3, make_getkeys), (2, lambda rng: [b"COMMAND", b"INFO", rng.choice(
        [b"get", b"SET", b"bogus", b"incr", b"expire"])]), (1, lambda rng: [b"CONFIG", b"GET", rng.choice(
            [b"databases", b"maxclient?", b"bogus", b"proto-max-bulk-len", b"SAVE"])]),
    (0.5, lambda rng: [b"SWAPDB", *rng.sample([b"0", b"1", b"2", b"15", b"16", b"x"], 2)]), (1, lambda rng: [b"TIME"]),
    (0.25, lambda rng: [b"FLUSHDB"] + rng.choice([[], [b"ASYNC"], [b"sync"], [b"BOGUS"]])),
    (0.1, lambda rng: [b"FLUSHALL"] + rng.choice([[], [b"ASYNC"], [b"SYNC"], [b"BOGUS"]])),
    (1, lambda rng: [b"DEBUG", b"SLEEP", b"0"]), (0.5, lambda rng: [b"QUIT"]), (2, make_unknown),
    (1, lambda rng: [b"AUTH", b"x"]), (0.5, lambda rng: [b"MODULE", b"LIST"]), (0.5, lambda rng: [b"CLUSTER", b"INFO"]),
    (0.5, lambda rng: [b"ROLE"]), (1, lambda rng: [b"LASTSAVE"]),
    (3, lambda rng: [rng.choice([b"SET", b"APPEND", b"GETSET"]), rng.choice(LARGE_KEYS), large_value(rng)]),
    (3, lambda rng: [rng.choice([b"GET", b"STRLEN", b"DEL", b"PERSIST"]), rng.choice(LARGE_KEYS)]),
    (2, lambda rng: [b"MGET", *LARGE_KEYS, key(rng)]),
]
_MAKERS = [maker for _, maker in COMMANDS]
_WEIGHTS = [weight for weight, _ in COMMANDS]


def mutate(rng, args):
    """Another spelling, a lost, doubled or spoilt argument."""
    args = list(args)
    pick = rng.randrange(5)
    if pick == 0:
        args[0] = bytes(rng.choice((byte, byte ^ 32)) if chr(byte).isalpha() else byte for byte in args[0])
    elif len(args) > 1:
        place = rng.randrange(1, len(args))
        if pick == 1:
            del args[place]
        elif pick == 2:
            args.insert(place, args[place])
        else:
            args[place] = rng.choice(GARBAGE)
    return args


def command(rng: random.Random):
    """One random command. Large values stay in keys of their own, so that LCS and BITOP stay cheap."""
    args = rng.choices(_MAKERS, _WEIGHTS)[0](rng)
    # Redis 7.0 carries out the options of HELLO one by one, 7.2 not before it has read them all.
    is_fragile = args[0] == b"HELLO" and len(args) > 2
    if rng.random() < 0.06 and args[0] not in NO_MUTATION and not is_fragile:
        args = mutate(rng, args)
    return args
