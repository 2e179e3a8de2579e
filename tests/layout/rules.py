"""The rules. Each is a function from a Tree to violations (rule, path, text); RULES lists them."""

import pathlib
import re

import tree as trees

TOP_FILES = {"CMakeLists.txt", "README.md", "CMakePresets.json", "LICENSE"}
TOP_FOLDERS = {"config", "protocol", "server", "storage", "tests", "docker", "scripts"}
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
README_FROM_FILES = 3

POSIX = re.compile(r"^(?:sys|linux|netinet|arpa|net)/|^(?:fcntl|unistd|errno|dirent|poll|pthread|sched|signal|time|stdio|"
                   r"stdlib|string|limits|malloc|netdb|pwd|grp|spawn|termios|locale|ctype|stdint)\.h$")
STANDARD = re.compile(r"^[a-z_0-9]+$")
# What each folder may include besides itself and the C++ library: folders of ours, then headers of others.
FOLDER_INCLUDES = {
    "protocol": ((), r"$^"),
    "config": ((), r"^yaml-cpp/"),
    "storage": ((), POSIX.pattern + r"|^(?:lz4|lz4frame|lz4hc|xxhash)\.h$|^[a-z]*mmintrin\.h$|^x86intrin\.h$|^immintrin\.h$|^arm_acle\.h$"),
}
REMOTE_FOLDERS, REMOTE_HEADERS = ("protocol",), r"^(?:boost/asio|boost/beast|boost/json|openssl)[./]"

# Inside storage: a file includes only what has a lower rank, or its own folder. Files directly in storage/ are the seam
# between the engines and what they stand on; they see keys, the journal, io and base.
ENGINES = ("chaos", "badger", "leveldb", "simple_kv", "memory", "remote")
RANKS = {"base": 0, "io": 1, "keys": 2, "table": 3, "vlog": 3, "log": 3, "hashtable": 3, "backup": 3, "memtable": 3, "lsm": 4, "": 5,
         "memory": 6, "simple_kv": 7, "leveldb": 7, "badger": 7, "remote": 7, "chaos": 8, "tools": 8}
JOURNAL = "storage/log/journal.h"  # what may be asked of a log; all that stands on keys may see it
SEAM_MAY_SEE = re.compile(r"^storage/(?:keys|io|base)/")
UNINJECTED = re.compile(r"\bstd::(?:thread|jthread|this_thread|condition_variable|mutex|shared_mutex|random_device|"
                        r"chrono::(?:system|steady|high_resolution)_clock)\b")


def top_level(tree):
    for name in tree.top_names():
        if not name.startswith(".") and name not in TOP_FILES | TOP_FOLDERS:
            yield "top_level", name, "is none of the fixed entries of the top folder"


def storage_part(path):
    """"storage/log/log.h" -> "log"; "storage/store.h" -> ""."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def storage_rank(source, included):
    mine, theirs = storage_part(source), storage_part(included)
    if mine == theirs or included == JOURNAL and RANKS.get(mine, 0) > RANKS["keys"]:
        return None
    for part in (mine, theirs):
        if part not in RANKS:
            return f"storage/{part} has no rank in tests/layout/rules.py"
    if mine == "" and not SEAM_MAY_SEE.match(included):
        return f"includes {included}: the seam sees only keys, log/journal.h, io and base"
    if theirs == "" and mine not in (*ENGINES, "tools"):
        return f"includes {included}: only engines and tools include the seam"
    if RANKS[theirs] >= RANKS[mine]:
        return f"includes {included}, which is not below storage/{mine}"
    return None


def own_include(source, included):
    """A quoted include: what is wrong with it, or None."""
    folder, target = source.split("/")[0], included.split("/")[0]
    if folder == "server":
        if included.startswith("storage/remote/") and not source.endswith("_registration.cc"):
            return f"includes {included}: only its registration may"
        return "includes a test" if target == "tests" else None
    if folder not in FOLDER_INCLUDES:
        return None
    allowed = {folder, *FOLDER_INCLUDES[folder][0]}
    if source.startswith("storage/remote/"):
        allowed.update(REMOTE_FOLDERS)
    if target not in allowed:
        return f"includes {included}: {folder}/ may not include {target}/"
    return storage_rank(source, included) if folder == target == "storage" else None


def include_directions(tree):
    for name in tree.code(*TOP_FOLDERS):
        folder = name.split("/")[0]
        for number, quoted, path in trees.includes(tree.text(name)):
            where = f"line {number} "
            if quoted and name.endswith(".c"):
                continue
            if quoted:
                if not tree.exists(path):
                    yield "include", name, f'{where}includes "{path}", which is no path from the root'
                    continue
                wrong = own_include(name, path)
                if wrong:
                    yield "include", name, where + wrong
                if name.endswith(("_picker.cc", "_picker.h")) and path.startswith("storage/io/"):
                    yield "include", name, f"{where}includes {path}: a picker decides and touches no file"
            elif folder in FOLDER_INCLUDES and not STANDARD.match(path):
                headers = FOLDER_INCLUDES[folder][1]
                if name.startswith("storage/remote/"):
                    headers += "|" + REMOTE_HEADERS
                if not re.search(headers, path):
                    yield "include", name, f"{where}includes <{path}>, which is not for {folder}/"


def injected(tree):
    for name in tree.code("storage"):
        if storage_part(name) in ("base", "io"):
            continue
        text = trees.without_comments_and_literals(tree.text(name))
        for number, line in enumerate(text.splitlines(), 1):
            match = UNINJECTED.search(line)
            if match:
                yield "injected", name, f"line {number} uses {match.group()}; clock, randomness, locks and threads come from base"


def sizes(tree):
    for name in tree.files:
        suffix = pathlib.PurePosixPath(name).suffix
        if name.split("/")[0] not in TOP_FOLDERS or suffix not in trees.CODE_SUFFIXES | {".py", ".mjs", ".sh"}:
            continue
        text = tree.text(name)
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            yield "long_file", name, f"has {lines} lines; {FILE_LINES_MAX} are the most"
        if suffix == ".py":
            functions = trees.python_functions(text)
        elif suffix in trees.CODE_SUFFIXES and not name.startswith("tests/"):
            functions = trees.cpp_functions(text)
        else:
            continue
        for first, last in functions:
            if last - first + 1 > FUNCTION_LINES_MAX:
                yield "long_function", name, f"line {first} begins a function of {last - first + 1} lines"


MARKS = re.compile(r"\b(?:FIX" r"ME|TO" r"DO|XX" r"X|HA" r"CK)\b")


def unfinished(tree):
    for name in tree.files:
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            match = MARKS.search(line)
            if match:
                yield "unfinished", name, f"line {number} says {match.group()}: do it, or write an issue"


def headers(tree):
    for name in tree.files:
        if name.endswith(".h"):
            code = trees.without_comments_and_literals(tree.text(name)).split()
            if code[:2] != ["#pragma", "once"]:
                yield "header", name, "does not begin with #pragma once"


def orphan_sources(tree):
    for name in tree.code("config", "protocol", "server", "storage"):
        if name.endswith(".c"):
            yield "orphan", name, "is C; the build takes only .cc files of this folder"


def _sources_by_name(tree):
    return {(name.split("/")[0], pathlib.PurePosixPath(name).stem)
            for name in tree.code("config", "protocol", "server", "storage")}


def test_mirrors_source(tree):
    sources = _sources_by_name(tree)
    for name in tree.code("tests"):
        path = pathlib.PurePosixPath(name)
        if path.stem.endswith("_test") and len(path.parts) > 2:
            words = path.stem.split("_")[:-1]  # request_parser_fuzz_test belongs to request_parser
            if not any((path.parts[1], "_".join(words[:count])) in sources for count in range(1, len(words) + 1)):
                yield "behaviour_suite", name, f"tests no source file of {path.parts[1]}/ by its name"


CODE_SPAN = re.compile(r"`([^`\s]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FILE_NAME = re.compile(r"^[\w.-]+\.(?:h|cc|c|py|mjs|sh|md|yaml|service|sysusers)$")


def _spellings(token):
    """"log.{h,cc}" -> "log.h", "log.cc"."""
    match = re.search(r"\{([^{}]*)\}", token)
    if not match:
        return [token]
    return [spelling for part in match.group(1).split(",")
            for spelling in _spellings(token[:match.start()] + part + token[match.end():])]


def _names_something(tree, folder, token):
    if token.startswith(("build/", "data/")) or re.search(r"[<>$]", token):
        return True
    for base in (tree.root, tree.root / folder):
        target = base / token
        if target.exists() or ("*" in token and next(base.glob(token), None)):
            return True
    return False


def readme_paths(tree):
    names = {pathlib.PurePosixPath(name).name for name in tree.files}
    for name in tree.files:
        if not name.endswith(".md"):
            continue
        folder = pathlib.PurePosixPath(name).parent
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            links = [link for link in LINK.findall(line) if not re.match(r"[a-z]+:", link)]
            for token in links + CODE_SPAN.findall(line):
                token = re.sub(r":\d+$", "", token)
                is_path = token in links or token.split("/")[0] in TOP_FOLDERS | {".ci"} and "/" in token
                for spelling in _spellings(token):
                    if is_path and not _names_something(tree, folder, spelling):
                        yield "readme_path", name, f"line {number} names {spelling}, which does not exist"
                    elif not is_path and FILE_NAME.match(spelling) and spelling not in names:
                        yield "readme_path", name, f"line {number} names {spelling}, which exists nowhere"


def readmes(tree):
    if "README.md" not in tree.files:
        yield "readme", ".", "has no README.md"
    for folder in sorted(TOP_FOLDERS.union(tree.folders)):
        if folder.split("/")[0] not in TOP_FOLDERS:
            continue
        files = [name for name in tree.files if pathlib.PurePosixPath(name).parent.as_posix() == folder]
        if ("/" not in folder or len(files) >= README_FROM_FILES) and f"{folder}/README.md" not in files:
            yield "readme", folder, "has no README.md"


RULES = (top_level, include_directions, injected, sizes, unfinished, headers, orphan_sources, test_mirrors_source,
         readme_paths, readmes)
