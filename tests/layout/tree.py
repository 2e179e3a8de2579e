"""The source tree as the layout rules see it: paths, lines, includes and functions."""

import ast
import pathlib
import re

IGNORED_NAMES = {".git", "__pycache__", "node_modules", "compile_commands.json"}
IGNORED_TOP = {"build", "data"}
CODE_SUFFIXES = {".cc", ".h", ".c"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TYPE_HEAD = re.compile(r"(?:^|\s)(?:class|struct|union|enum|namespace|extern)\b")


class Tree:
    """All files below a root, by their path from there ("storage/log/log.cc")."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = sorted(self._walk(self.root))
        self.folders = sorted({parent.as_posix() for name in self.files for parent in pathlib.PurePosixPath(name).parents
                               if parent.as_posix() != "."})

    def _walk(self, folder):
        for entry in folder.iterdir():
            if entry.name in IGNORED_NAMES or (folder == self.root and entry.name in IGNORED_TOP):
                continue
            if entry.is_dir() and not entry.is_symlink():
                yield from self._walk(entry)
            else:
                yield entry.relative_to(self.root).as_posix()

    def top_names(self):
        return sorted(entry.name for entry in self.root.iterdir()
                      if entry.name not in IGNORED_NAMES and entry.name not in IGNORED_TOP)

    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def code(self, *folders):
        """C and C++ files below the folders named."""
        return [name for name in self.files
                if pathlib.PurePosixPath(name).suffix in CODE_SUFFIXES and name.split("/")[0] in folders]

    def exists(self, name):
        return (self.root / name).exists()


def includes(text):
    """Yields (line number, is quoted, path)."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def without_comments_and_literals(text):
    """The text with comments, strings and character literals blanked; lines stay where they are."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'
                       r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return token.sub(blank, text)


def _without_template_arguments(head):
    while True:
        shorter = re.sub(r"<[^<>]*>", " ", head)
        if shorter == head:
            return head
        head = shorter


def _kind_of_brace(head, scopes):
    """What a brace opens, by the text since the last one: "outer" (namespace, type), "function" or "inner" (all else)."""
    if any(scope != "outer" for scope in scopes):
        return "inner"
    head = _without_template_arguments(head).strip()
    if TYPE_HEAD.search(head.split("(")[0]):
        return "outer"
    return "function" if "(" in head and not head.endswith("=") else "inner"


def cpp_functions(text):
    """Yields (first line, last line) of each function with its signature; an estimate that knows no macros."""
    text = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()),
                  without_comments_and_literals(text))
    scopes, starts = [], []
    closed = None  # (kind, first line) of what the last brace closed, if nothing followed it yet
    head_begin = 0
    for match in re.finditer(r"[{};]", text):
        head = text[head_begin:match.start()]
        head_begin = match.end()
        if match.group() == "{":
            start = text.count("\n", 0, match.start() - len(head.lstrip())) + 1
            kind = _kind_of_brace(head, scopes)
            if closed and closed[0] == "function" and re.match(r"\s*(?:,|$)", head):
                kind, start = closed  # Class(int a) : a_{a}, b_{0} {
            scopes.append(kind)
            starts.append(start)
            closed = None
        elif match.group() == "}" and scopes:
            closed = (scopes.pop(), starts.pop())
            if closed[0] == "function":
                yield closed[1], text.count("\n", 0, match.start()) + 1
        else:
            closed = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno
