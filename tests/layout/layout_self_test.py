#!/usr/bin/env python3
"""Proves that the layout test finds what it forbids: a small clean tree passes, and each seeded violation is reported."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import layout_test

MARK = "TO" + "DO"
CLEAN = {
    "CMakeLists.txt": "", "CMakePresets.json": "{}", "LICENSE": "", ".gitignore": "",
    "README.md": "Start at `storage/log/log.{h,cc}`, then [here](storage/README.md); data is in `data/x`, see `log.h`.\n",
    "config/README.md": "", "protocol/README.md": "", "server/README.md": "", "storage/README.md": "`*` `log/*.h`\n",
    "tests/README.md": "", "docker/README.md": "", "scripts/README.md": "",
    "protocol/parser.h": "// What it does.\n#pragma once\n#include <string>\n",
    "config/load.cc": "#include <yaml-cpp/yaml.h>\n#include <map>\n",
    "server/main.cc": '#include <boost/asio.hpp>\n#include "protocol/parser.h"\n#include "storage/store.h"\n',
    "storage/store.h": '#pragma once\n#include "storage/keys/key.h"\n#include "storage/log/journal.h"\n',
    "storage/keys/key.h": "#pragma once\n#include <lz4.h>\n",
    "storage/log/journal.h": "#pragma once\n", "storage/log/log.h": "#pragma once\n",
    "storage/log/README.md": "",
    "storage/log/log.cc": '#include "storage/log/log.h"\n#include "storage/io/file.h"\n#include <fcntl.h>\n',
    "storage/io/file.h": "#pragma once\n#include <mutex>\ninline std::mutex lock;\n",
    "storage/memory/engine.cc": '#include "storage/store.h"\n#include "storage/log/log.h"\n',
    "storage/hashtable/table.h": '#pragma once\n#include "storage/log/journal.h"\n',
    "tests/storage/log/log_crash_test.cc": "#include <catch2/catch.hpp>\n",
}
LONG_FUNCTION = "namespace a {\ntemplate <class T>\nint f(T t) {\n" + "  t();\n" * 80 + "}\n}  // namespace a\n"
LONG_METHOD = "class A {\n  A(int b)\n      : b_{b}, c_(1) {\n" + "    if (b) { c(); }\n" * 80 + "  }\n};\n"

# Path, content, and what must be reported: a rule and a part of its text.
SEEDED = [
    ("notes/a.md", "", "top_level", "none of the fixed entries"),
    ("HACKING.md", "", "top_level", "none of the fixed entries"),
    ("protocol/a.cc", '#include "storage/store.h"\n', "include", "protocol/ may not include storage/"),
    ("protocol/a.cc", "#include <fcntl.h>\n", "include", "not for protocol/"),
    ("config/a.cc", "#include <spdlog/spdlog.h>\n", "include", "not for config/"),
    ("storage/log/a.cc", '#include "protocol/parser.h"\n', "include", "storage/ may not include protocol/"),
    ("storage/log/a.cc", "#include <boost/asio.hpp>\n", "include", "not for storage/"),
    ("storage/log/a.cc", '#include "storage/memory/engine.cc"\n', "include", "not below storage/log"),
    ("storage/table/a.cc", '#include "storage/log/log.h"\n', "include", "not below storage/table"),
    ("storage/io/a.cc", '#include "storage/keys/key.h"\n', "include", "not below storage/io"),
    ("storage/keys/a.cc", '#include "storage/log/journal.h"\n', "include", "not below storage/keys"),
    ("storage/lsm/a.cc", '#include "storage/store.h"\n', "include", "only engines and tools include the seam"),
    ("storage/a.cc", '#include "storage/log/log.h"\n', "include", "the seam sees only"),
    ("storage/newpart/a.cc", '#include "storage/io/file.h"\n', "include", "has no rank"),
    ("storage/lsm/flush_picker.cc", '#include "storage/io/file.h"\n', "include", "a picker decides"),
    ("server/a.cc", '#include "storage/remote/redis.h"\n', "include", "is no path from the root"),
    ("storage/log/a.cc", '#include "log.h"\n', "include", "is no path from the root"),
    ("storage/log/a.cc", "void f() { std::this_thread::yield(); }\n", "injected", "std::this_thread"),
    ("storage/lsm/a.cc", "std::mutex m;\n", "injected", "std::mutex"),
    ("server/a.cc", "int a;\n" * 501, "long_file", "has 501 lines"),
    ("server/a.cc", LONG_FUNCTION, "long_function", "line 2 begins a function of 83 lines"),
    ("server/a.cc", LONG_METHOD, "long_function", "line 2 begins a function of 83 lines"),
    ("tests/a.py", "def f():\n" + "    f()\n" * 75, "long_function", "function of 76 lines"),
    ("server/a.cc", f"// {MARK}: later\n", "unfinished", MARK),
    ("server/a.h", "int a;\n", "header", "#pragma once"),
    ("server/a.c", "", "orphan", "is C"),
    ("tests/storage/io/other_test.cc", "", "behaviour_suite", "tests no source file"),
    ("server/README.md", "see `storage/nothing.h`\n", "readme_path", "storage/nothing.h"),
    ("server/README.md", "see `nowhere_format.h`\n", "readme_path", "exists nowhere"),
    ("server/README.md", "see [there](there.md)\n", "readme_path", "there.md"),
    ("tests/layout/allowed", "long_file server/main.cc it was long once\n", "allowed", "no longer happens"),
    ("tests/layout/allowed", "long_file server/main.cc\n", "allowed", "wants: rule, path, reason"),
]


def report(files):
    with tempfile.TemporaryDirectory(prefix="sett-layout-") as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return layout_test.violations(folder)


class Layout(unittest.TestCase):
    def test_a_clean_tree_passes(self):
        self.assertEqual(report(CLEAN), [])

    def test_each_seeded_violation_is_found(self):
        for path, text, rule, words in SEEDED:
            with self.subTest(path=path, rule=rule, text=text[:60]):
                found = report({**CLEAN, path: text})
                self.assertTrue(any(rule == other and words in said for other, _, said in found), found)

    def test_missing_readmes_are_found(self):
        without = {name: text for name, text in CLEAN.items() if name != "docker/README.md"}
        self.assertIn(("readme", "docker", "has no README.md"), report(without))
        crowded = {**CLEAN, **{f"storage/keys/more{i}.h": "#pragma once\n" for i in range(3)}}
        self.assertIn(("readme", "storage/keys", "has no README.md"), report(crowded))

    def test_a_header_that_only_mentions_pragma_once_in_a_comment_is_found(self):
        found = report({**CLEAN, "server/a.h": "// #pragma once\nint a;\n"})
        self.assertIn("header", [rule for rule, _, _ in found])

    def test_an_allowance_with_a_reason_silences_one_rule_for_one_file(self):
        files = {**CLEAN, "server/a.cc": LONG_FUNCTION,
                 "tests/layout/allowed": "# why\nlong_function server/a.cc one step after the other\n"}
        self.assertEqual(report(files), [])

    def test_comments_and_strings_are_no_code(self):
        text = '// std::mutex\nconst char* a = "std::mutex {{{";\nconst char* b = R"(std::mutex)";\n/* std::thread */\n'
        self.assertEqual(report({**CLEAN, "storage/lsm/a.cc": text}), [])


if __name__ == "__main__":
    unittest.main()
