"""Members of shared structs that one file alone uses.

A struct in a header is shared when two files see it. A member belongs to all of them then, or the
struct names the .c that it belongs to. Who uses a member is read from the text: `.name`, `->name`,
an argument of a macro, or an initialiser without names, which uses all members of its struct. A
member's name counts in every struct that has it, so the rule finds fewer than there are.
"""
import collections
import functools
import pathlib
import re

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
STRUCT = re.compile(r"\bstruct\s+(\w+)\s*\{")
USES = (r"(?:->|\.)\s*(\w+)", r"\b[A-Z_]{3,}\(\s*(\w+)", r"\boffsetof\([^,]*,\s*(\w+)")


class SharedMembers:
    def __init__(self, sources, without_comments):
        self.texts = {str(p): p.read_text() for p in sources}
        self.code = {path: without_comments(text) for path, text in self.texts.items()}
        self.includes = {path: [n for n in INCLUDE.findall(text) if n in self.texts] for path, text in self.texts.items()}
        self.seers = collections.defaultdict(set)  # header -> the files that see it
        for path in self.texts:
            for header in self._seen_by(path):
                self.seers[header].add(path)
        self.uses = {path: {name for use in USES for name in re.findall(use, code)} for path, code in self.code.items()}

    def _seen_by(self, path):
        seen, todo = {path}, [path]
        while todo:
            new = [header for header in self.includes[todo.pop()] if header not in seen]
            seen.update(new)
            todo.extend(new)
        return seen

    @staticmethod
    def _end(text, start):
        depth = 0
        for at in range(start, len(text)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                return at
        return len(text)

    @staticmethod
    def _names(body):
        """What the declarations in a struct's body name. Those of a struct within it count as its own."""
        body = re.sub(r"\benum\s+\w*\s*\{[^}]*\}", "int", body)
        for declaration in re.split(r"[;{}]", re.sub(r"\[[^\]]*\]|:\s*\d+|\bmust_check\b", "", body)):
            words = re.findall(r"\w+", declaration)
            pointer = re.search(r"\(\s*\*\s*(?:const\s+)?(\w+)\s*\)\s*\(", declaration)
            if pointer:
                yield pointer.group(1)
            elif len(words) > 1 and not re.fullmatch(r"\s*(struct|union|enum)\s+\w+\s*", declaration):
                yield from (re.findall(r"\w+", part)[-1] for part in declaration.split(","))

    def _says(self, header, start, end):
        """The comments in the struct and directly before it."""
        before = re.search(r"/\*(?:(?!\*/).)*\*/\s*$", self.texts[header][:start], re.S)
        return (before.group(0) if before else "") + self.texts[header][start:end]

    def _fill_by_order(self, header, tag):
        values = re.compile(rf"\bstruct {tag}(?:[\s\[\]]*\)|\s+\w[\w\s\[\]]*=)\s*\{{(?![\s{{]*[.}}0])")
        named = f"struct {tag}"
        return {unit(path) for path in self.seers[header] if named in self.code[path] and values.search(self.code[path])}

    def faults(self):
        """(header, line, struct, member, user) of each member that one other file alone uses, and no comment says so."""
        for header, code in self.code.items():
            units = {unit(path) for path in self.seers[header] if path.endswith(".c")}
            if not header.endswith(".h") or len(units) < 2:
                continue
            for struct in STRUCT.finditer(code):
                end = self._end(code, struct.end() - 1)
                says = self._says(header, struct.start(), end)
                by_order = self._fill_by_order(header, struct.group(1))
                for name in self._names(code[struct.end():end]):
                    users = by_order | {unit(path) for path in self.seers[header] if name in self.uses[path]}
                    if len(users) == 1 and users != {unit(header)}:
                        user = users.pop() + ".c"
                        if pathlib.Path(user).name not in says:
                            yield header, code[:struct.start()].count("\n") + 1, struct.group(1), name, user


@functools.lru_cache(maxsize=None)
def unit(path):
    return str(pathlib.Path(path).with_suffix(""))
