"""What was measured against which bar: lines as they come, JSON and Markdown at the end."""

import dataclasses
import os
import platform


@dataclasses.dataclass
class Row:
    """One figure. `bar` is ("<=", 0.5) or None; it is about value / peer_value where there is a peer, else about the value."""
    part: str
    what: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float = 0.0
    bar: tuple = None
    note: str = ""

    @property
    def ratio(self):
        return self.value / self.peer_value if self.peer_value else None

    @property
    def judged(self):
        return self.value if self.ratio is None else self.ratio

    @property
    def met(self):
        if not self.bar:
            return None
        return self.judged <= self.bar[1] if self.bar[0] == "<=" else self.judged >= self.bar[1]

    def cells(self):
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        bar = f"{self.bar[0]} {self.bar[1]:g}{' x' if self.peer else ''}" if self.bar else ""
        peer = f"{self.peer} {number(self.peer_value)}" if self.peer else ""
        ratio = f"{self.ratio:.3f}" if self.ratio is not None else ""
        return [self.part, self.what, f"{number(self.value)} {self.unit}", peer, ratio, bar, verdict, self.note]


def number(value):
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.4g}"


class Report:
    TITLES = ["part", "what", "settd", "beside", "ratio", "bar", "", "remark"]

    def __init__(self):
        self.rows = []
        self.remarks = []

    def add(self, part, what, value, unit, **more):
        row = Row(part, what, value, unit, **more)
        self.rows.append(row)
        print("  ".join(cell for cell in row.cells() if cell), flush=True)

    def remark(self, part, text):
        self.remarks.append((part, text))
        print(f"{part}: {text}", flush=True)

    def print_table(self):
        table = [self.TITLES] + [row.cells() for row in self.rows]
        widths = [max(len(line[column]) for line in table) for column in range(len(self.TITLES) - 1)]
        print()
        for line in table:
            print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths)) + "  " + line[-1])

    def as_json(self, options):
        rows = [{**dataclasses.asdict(row), "ratio": row.ratio, "met": row.met} for row in self.rows]
        return {"conditions": conditions(options), "rows": rows, "remarks": self.remarks}

    def as_markdown(self, options):
        lines = ["# Bars of the badger engine: the last full run", "",
                 "Written by `python3 tests/bench/badger_bench.py --markdown FILE`; [README.md](README.md) says what "
                 "each part does.", ""]
        lines += [f"- {name}: {value}" for name, value in conditions(options).items()]
        lines += ["", "| " + " | ".join(self.TITLES) + " |", "|---" * len(self.TITLES) + "|"]
        lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row.cells()) + " |" for row in self.rows]
        if self.remarks:
            lines += [""] + [f"- {part}: {text}" for part, text in self.remarks]
        return "\n".join(lines) + "\n"


def processor():
    with open("/proc/cpuinfo", encoding="ascii") as text:
        names = [line.split(":", 1)[1].strip() for line in text if line.startswith("model name")]
    return names[0] if names else platform.machine()


def conditions(options):
    with open("/proc/loadavg", encoding="ascii") as text:
        load = text.read().split()[0]
    return {"processor": processor(), "cores": os.cpu_count(), "system": platform.release(), "scale": options.scale,
            "keys": options.keys, "memory limit": options.memory_limit,
            "memory_limit of settd": "set" if options.has_memory_limit else "not there yet; cache_size is set instead",
            "further flags of settd": " ".join(options.settd_arg) or "none", "load at the end": load}
