#!/usr/bin/env python3
"""Verifies an export of the audit trail: python3 audit-verify.py EXPORT... --key FILE [--checkpoint FILE]...

A second program after the same documents (RFC 9162, 8785 and 8032, C2SP signed-note), with the standard library alone.
Exit codes: 0 it holds, 1 it does not, 2 usage, 3 a file cannot be read. docs/audit.md says what it proves."""
import argparse, base64, functools, hashlib, hmac, json, re, sys
COLUMNS = set("id created_at actor_type actor_id actor_name resource_type resource_id action scope status".split())
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, I = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
def need(fact, text):
    if not fact:
        raise ValueError(text)
# ---- Ed25519: points are x, y, z, t with xy = zt (RFC 8032 section 5.1.4)
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P
def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        q, p, n = add(q, p) if n & 1 else q, add(p, p), n >> 1
    return q
def point(text):
    y, odd = int.from_bytes(text, "little") & 2**255 - 1, text[31] >> 7
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if x * x % P == xx else x * I % P
    need(y < P and x * x % P == xx and (x or not odd), "a key or signature is no point of the curve")
    return (x := x if x & 1 == odd else P - x), y, 1, x * y % P
def verify(public, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(r + public + text).digest(), "little") % L
    a, b = times(s, point(b"\x58" + b"\x66" * 31)), add(point(r), times(h, point(public)))
    need(all((a[i] * b[2] - b[i] * a[2]) % P == 0 for i in (0, 1)) and s < L and len(signature) == 64, "a wrong signature")
# ---- the hash of a row: values in plaintext, commitments in place of those that have a salt or are gone
def canonical(value):
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(of) for name, of in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if type(value) in (int, float):  # Python prints others in another form; no row of the trail has them
        need(value == 0 or 1e-4 <= abs(value) <= 2**53, "a number is too large or too small")
        return str(int(value)) if value == int(value) else repr(value)
    return json.dumps(value, ensure_ascii=False)
def sha(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()
def unhex(text):
    return bytes.fromhex(re.fullmatch("[0-9a-fA-F]{64}", text)[0])  # fails on all but 64 digits
def leaf(team, line):
    row, salts, gone = line["row"], line.get("salts", {}), line.get("commitments", {})
    metadata = row.pop("metadata", {})
    need(COLUMNS >= row.keys() and row["id"] and all(type(v) is str and v for v in row.values()), "a bad member")
    for path in {*salts, *gone, *("metadata." + name for name in metadata)}:
        place, name = (metadata, path[9:]) if path.startswith("metadata.") else (row, path)
        need(place is metadata or name in COLUMNS, "nothing proves " + path)
        if path in gone:
            need(path not in salts and place.get(name) is None, "nothing proves " + path)
            place[name] = {"c": unhex(gone[path]).hex()}
        elif path in salts:
            place[name] = {"c": hmac.digest(unhex(salts[path]), canonical(place[name]).encode(), "sha256").hex()}
        need(path in gone or path in salts or type(place[name]) not in (dict, list), "there is no salt of " + path)
    return sha(b"\0", canonical({**row, "team_id": team, "v": 1, **({"metadata": metadata} if metadata else {})}).encode())
# ---- signed notes
def read_key(text):
    name, ident, data = text.strip().split("+", 2)
    data = base64.b64decode(data, validate=True)
    need(len(data) == 33 and data[0] == 1 and sha(name.encode(), b"\n", data)[:4].hex() == ident.lower(), "no key")
    return (name, bytes.fromhex(ident)), data[1:]
def checkpoint(note, keys):
    text, _, signatures = note.rpartition("\n\n")
    signers, (origin, size, digest) = [], text.split("\n")[:3]
    for dash, name, data in (line.split(" ") for line in signatures.splitlines()):
        data = base64.b64decode(data, validate=True)
        if dash == "\u2014" and (name, data[:4]) in keys:
            verify(keys[name, data[:4]], (text + "\n").encode(), data[4:])
            signers.append(name)
    need(signers, "no key that was given signed the checkpoint")
    outside = (re.findall("^outside ([0-9]+)$", text, re.M) or [0])[-1]
    return int(size), base64.b64decode(digest, validate=True), origin, signers[0], int(outside)
class Trail:
    """The tree as the roots of its perfect subtrees, (level, hash), and what the lines so far say."""
    def __init__(self, keys, older):
        self.keys, self.older, self.most_outside = keys, older, max([0, *(old[4] for old in older)])
        self.rows, self.size, self.subtrees, self.before, self.proven, self.team, self.origin = 0, 0, [], *[None] * 4
    def root(self):
        return functools.reduce(lambda a, b: sha(b"\1", b, a), [digest for _, digest in reversed(self.subtrees)] or [sha()])
    def grow(self, level, digest):
        self.size += 1 << level
        while self.subtrees and self.subtrees[-1][0] == level:
            level, digest = level + 1, sha(b"\1", self.subtrees.pop()[1], digest)
        self.subtrees.append((level, digest))
        if self.before and self.size >= self.before[0]:
            need(self.before == (self.size, self.root()), "the file does not follow the one before it")
            self.before = None
        for old in [old for old in self.older if old[0] == self.size and not self.before]:
            need(old[1:3] == (self.root(), self.origin), f"the older checkpoint of {self.size} rows belongs to other rows")
            self.older.remove(old)
    def line(self, kind, line):
        at = line.get({"header": "size", "row": "index", "skip": "from"}.get(kind))
        need(bool not in (type(at), type(line.get("to") if kind == "skip" else at)), "a whole number is missing")
        if kind == "header":
            need(line["format"] == "wrenn-audit/1", "another format")
            need(self.team in (None, line["team_id"]) and self.origin in (None, line["origin"]), "another trail")
            self.team, self.origin, self.announced, self.filters = map(line.get, "team_id origin size filters".split())
            self.before, self.size, self.subtrees = self.before or self.size and (self.size, self.root()), 0, []
        elif kind == "checkpoint":
            size, digest, origin, by, self.outside = checkpoint(line["note"], self.keys)
            need(origin == self.origin == f"{by}/audit/{self.team}" and not self.before, "another trail's checkpoint")
            need((size, digest) == (self.size, self.root()), f"the rows do not give the root of {size} rows")
            self.proven = size
        elif kind == "row":
            need(at == self.size < self.announced and not self.before, f"expected row {self.size}")
            digest, self.rows = leaf(self.team, line), self.rows + 1
            need(digest == unhex(line["hash"]), f"row {at} does not give its hash")
            self.grow(0, digest)
        else:
            need(kind == "skip" and at == self.size < line["to"] <= self.announced, f"expected row {self.size}")
            need(self.filters or not self.rows or self.before and line["to"] <= self.before[0], "rows are left out")
            for text in line["hashes"]:
                fits = (line["to"] - self.size).bit_length() - 1
                need(fits >= 0, "a skip has too many hashes")
                self.grow(min(fits, (self.size & -self.size).bit_length() - 1) if self.size else fits, unhex(text))
            need(self.size == line["to"], "a skip has too few hashes")
parser = argparse.ArgumentParser()
parser.add_argument("files", nargs="+")
parser.add_argument("--key", required=True)
parser.add_argument("--checkpoint", action="append", default=[])
options, place = parser.parse_args(), "--key"
try:
    keys = dict(read_key(line) for line in open(options.key, encoding="utf-8") if line.strip())
    trail = Trail(keys, [checkpoint(open(place := name, encoding="utf-8").read(), keys) for name in options.checkpoint])
    for name in options.files:
        for count, line in enumerate(open(name, "rb"), 1):
            place = f"{name}:{count}"
            if line.endswith(b"\n") or name == options.files[-1]:  # a file that broke off may end within a line
                line = json.loads(line.decode(), object_pairs_hook=lambda pairs: need(
                    len(dict(pairs)) == len(pairs), "a member is twice in an object") or dict(pairs), parse_constant=lambda name:
                    need(0, name), parse_float=lambda text: int(float(text)) if float(text) % 1 == 0 else float(text))
                need(rb"\u0000" not in json.dumps(line, ensure_ascii=False).encode().replace(rb"\\", b""), "a NUL")
                trail.line(line["type"], line)
    need(trail.proven == trail.size == trail.announced and not trail.before, "no checkpoint ends the export")
    need(not any(old[0] for old in trail.older) and trail.outside >= trail.most_outside,
         "an older checkpoint has more rows or counts more outside, or lies within a skip")
except OSError as error:
    sys.exit(print(error, file=sys.stderr) or 3)
except Exception as error:  # whatever a malformed file leads to
    sys.exit(f"{place}: {error!r}")
print(f"{trail.origin}: {trail.rows} of {trail.size} rows are shown, and all of it holds")
