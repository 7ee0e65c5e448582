# SPDX-License-Identifier: Apache-2.0
"""Exports of the audit trail that hold and others that do not (tests/vectors/audit). `audit verify` and docs/audit-verify.py
have to agree on each, and programs of others have to agree with both: npm's canonicalize makes the files, and the Merkle
proofs of @sigstore/verify accept the proofs that we print."""
import base64
import json
import pathlib
import subprocess
import sys

import pytest
from support import PROGRAM

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/audit"
NPM = ROOT / "tests/npm"
CASES = json.loads((VECTORS / "cases.json").read_text())


def run(*command, cwd=VECTORS, **more):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, **more)


def arguments_of(case):
    older = [word for name in case.get("checkpoints", []) for word in ("--checkpoint", name)]
    return [*case["files"], "--key", case.get("key", "key"), *older]


def verify(*arguments, **more):
    return run(PROGRAM, "audit", "verify", *arguments, **more)


def test_both_verifiers_agree_on_every_file():
    for case in CASES:
        ours, other = verify(*arguments_of(case)), run(sys.executable, ROOT / "docs/audit-verify.py", *arguments_of(case))
        code = 1 if "expected" in case else 0
        assert (ours.returncode, other.returncode) == (code, code), (case, ours, other)
        assert case.get("expected", "") in ours.stderr, (case, ours.stderr)
        assert bool(ours.stderr) == bool(other.stderr) == bool(code), case
    assert len(CASES) > 50 and len((ROOT / "docs/audit-verify.py").read_text().splitlines()) < 150


def test_the_files_are_what_programs_of_others_make(tmp_path):
    result = run("node", "audit/vectors.mjs", tmp_path, cwd=NPM)
    assert (result.returncode, result.stderr) == (0, "")
    assert {file.name: file.read_bytes() for file in VECTORS.iterdir()} == {file.name: file.read_bytes() for file in tmp_path.iterdir()}


INCLUSION = """
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import canonicalize from "canonicalize";
const { verifyMerkleInclusion } = createRequire(process.cwd() + "/")("./node_modules/@sigstore/verify/dist/timestamp/merkle.js");
const { leaf, size, index, proof, root } = JSON.parse(readFileSync(0, "utf8"));
verifyMerkleInclusion({
	canonicalizedBody: Buffer.from(canonicalize(leaf)),
	inclusionProof: { logIndex: index, treeSize: size, rootHash: Buffer.from(root, "base64"), hashes: proof.map((hash) => Buffer.from(hash, "base64")) },
});
"""


def test_a_public_implementation_accepts_the_proof_of_each_row_in_clear():
    rows = [json.loads(line) for line in (VECTORS / "whole.jsonl").read_text().splitlines()]
    clear = [row for row in rows if row["type"] == "row" and "salts" not in row and "commitments" not in row]
    assert [row["index"] for row in clear] == [7, 9]
    for row in clear:
        outcome = json.loads(verify("whole.jsonl", "--key", "key", "--json", "--row", row["row"]["id"]).stdout)
        found = {"leaf": {**row["row"], "team_id": outcome["team_id"], "v": 1}, "size": str(outcome["size"]), "root": outcome["root"],
                 "index": str(outcome["row"]["index"]), "proof": outcome["row"]["proof"]}
        assert run("node", "--input-type=module", "-e", INCLUSION, cwd=NPM, input=json.dumps(found)).returncode == 0, row
        assert base64.b64decode(outcome["row"]["hash"]).hex() == row["hash"]
        found["leaf"]["action"] = "other"
        refused = run("node", "--input-type=module", "-e", INCLUSION, cwd=NPM, input=json.dumps(found))
        assert "calculated root hash does not match" in refused.stderr


def test_the_outcome_is_one_line_of_json_or_says_what_is_wrong():
    outcome = json.loads(verify("whole.jsonl", "--key", "key", "--json", "--checkpoint", "5.note").stdout)
    assert (outcome["holds"], outcome["size"], outcome["rows"], outcome["erased"], outcome["outside"]) == (True, 11, 11, 1, 2)
    assert (outcome["checkpoints"], outcome["skipped"], outcome["key"]) == (1, 0, (VECTORS / "key").read_text().strip())
    failed = verify("field.jsonl", "--key", "key", "--json")
    assert json.loads(failed.stdout)["line"] == 3 and not json.loads(failed.stdout)["holds"] and failed.returncode == 1
    assert "rows         11 of 11 shown, 1 with values erased" in verify("-", "--key", "key", stdin=open(VECTORS / "whole.jsonl")).stdout


@pytest.mark.parametrize("arguments, code, words", [
    (["whole.jsonl"], 2, "--key FILE is missing"),
    (["--key", "key"], 2, "FILE is missing"),
    (["whole.jsonl", "--key", "5.note"], 2, "5.note: a verifier key has the form"),
    (["whole.jsonl", "--key", "key", "--checkpoint", "key"], 1, "key: this is not a signed note"),
    (["whole.jsonl", "--key", "key", "--row", "log-1"], 1, "the export does not contain row log-1"),
    (["absent", "--key", "key"], 3, "cannot read absent: no such file"),
    (["whole.jsonl", "--key", "absent"], 3, "cannot read absent"),
    (["whole.jsonl", "--key", "key", "--checkpoint", "absent"], 3, "cannot read absent"),
])
def test_what_cannot_be_verified_has_a_code_and_a_reason(arguments, code, words):
    result = verify(*arguments)
    assert (result.returncode, result.stdout) == (code, "") and words in result.stderr
