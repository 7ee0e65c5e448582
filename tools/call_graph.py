"""Which file of the tree leans on which, and the circles in that.

A file includes another, or it names a function or a table of another. The second comes from the
symbol tables of the object files (`nm`): what one object leaves undefined, another defines. The
compiler has then resolved every macro, every function pointer in a table and every `#if`; a parser
of C (cflow) loses exactly those. One nm reads all objects in a fraction of a second. A static
inline function belongs to a header, so its callers are found by their includes.

A header and the .c of the same name count as one file.
"""
import collections
import pathlib
import re
import subprocess

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


class CallGraph:
    def __init__(self, folders, objects):
        self.sources = [p for f in folders for p in sorted(pathlib.Path(f).glob("*.[ch]"))]
        self.missing = [p for p in self.sources if p.suffix == ".c" and not self._object(objects, p).exists()]
        self.defines = {}  # symbol -> the .c that defines it
        self.functions = set()
        self.edges = collections.defaultdict(lambda: collections.defaultdict(list))
        self._add_includes()
        self._add_symbols(objects)

    @staticmethod
    def _object(objects, source):
        return objects / source.with_suffix(".o")

    @staticmethod
    def unit(path):
        return str(pathlib.Path(path).with_suffix(""))

    def _add_edge(self, user, used, why):
        user, used = self.unit(user), self.unit(used)
        if user != used:
            self.edges[user][used].append(why)

    def _add_includes(self):
        known = {str(p) for p in self.sources}
        for path in self.sources:
            for name in INCLUDE.findall(path.read_text()):
                if name in known:
                    self._add_edge(path, name, f'#include "{name}"')

    def _add_symbols(self, objects):
        by_object = {str(self._object(objects, p)): p for p in self.sources if p.suffix == ".c"}
        present = [o for o in by_object if pathlib.Path(o).exists()]
        listing = subprocess.run(["nm", "-A", "-g", *present], capture_output=True, text=True, check=True).stdout
        uses = []
        for line in listing.splitlines():
            name, rest = line.split(":", 1)
            kind, symbol = rest.split()[-2:]
            if kind == "U":
                uses.append((by_object[name], symbol))
                continue
            self.defines[symbol] = by_object[name]
            if kind == "T":
                self.functions.add(symbol)
        self.calls = [(path, symbol, self.defines[symbol]) for path, symbol in uses if symbol in self.defines]
        for path, symbol, definer in self.calls:
            self._add_edge(path, definer, symbol)

    def reach(self, start):
        """Every file that `start` leans on, directly or through others."""
        found, todo = set(), [start]
        while todo:
            new = set(self.edges[todo.pop()]) - found
            found |= new
            todo.extend(new)
        return found - {start}

    def circles(self):
        """The strongly connected sets of more than two files (Tarjan), as sorted lists."""
        index, low, stack, on_stack, found = {}, {}, [], set(), []

        def visit(unit):
            index[unit] = low[unit] = len(index)
            stack.append(unit)
            on_stack.add(unit)
            for used in self.edges[unit]:
                if used not in index:
                    visit(used)
                    low[unit] = min(low[unit], low[used])
                elif used in on_stack:
                    low[unit] = min(low[unit], index[used])
            if low[unit] == index[unit]:
                at = stack.index(unit)
                circle = stack[at:]
                del stack[at:]
                on_stack.difference_update(circle)
                if len(circle) > 2:
                    found.append(sorted(circle))

        for unit in sorted({self.unit(p) for p in self.sources}):
            if unit not in index:
                visit(unit)
        return sorted(found)

    def describe(self, circle):
        """The edges inside a circle, one a line, with what makes each."""
        lines = [f"{len(circle)} files in a circle: {' '.join(circle)}"]
        for user in circle:
            for used in sorted(set(self.edges[user]) & set(circle)):
                lines.append(f"  {user} -> {used}: {', '.join(sorted(set(self.edges[user][used])))}")
        return "\n".join(lines)
