// SPDX-License-Identifier: Apache-2.0
/* Writes the files of tests/vectors/audit into the folder that is given: exports of the audit trail that hold, others that
 * do not, and in cases.json what has to come out. The canonical form is npm's canonicalize, the cryptography is Node's. So
 * neither wrenn-events nor docs/audit-verify.py has a part in what it is tested with. */
import canonicalize from "canonicalize";
import { createHash, createHmac, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const INSTALLATION = "wrenn.example/events";
const TEAM = "team-0000000000000000000000001";
const ORIGIN = `${INSTALLATION}/audit/${TEAM}`;
const ANNA = "usr-0000000000000000000000002";
const BERT = "usr-0000000000000000000000003";

const sha = (...pieces) => createHash("sha256").update(Buffer.concat(pieces.map((piece) => Buffer.from(piece)))).digest();
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

// ---- keys and notes
function makeKey(name, seed) {
	const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), sha(seed)]);
	const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
	const typed = Buffer.concat([Buffer.from([1]), createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32)]);
	const id = sha(name, "\n", typed).subarray(0, 4);
	return { name, id, privateKey, text: `${name}+${id.toString("hex")}+${typed.toString("base64")}` };
}

const KEY = makeKey(INSTALLATION, "a key for tests");
const OTHER_KEY = makeKey(INSTALLATION, "another key for tests");
const FOREIGN_KEY = makeKey("elsewhere.example", "a key for tests");

function note(size, root, { key = KEY, origin = ORIGIN, outside = 2 } = {}) {
	const text = `${origin}\n${size}\n${root.toString("base64")}\ntime 2026-01-02T03:04:05Z\noutside ${outside}\n`;
	return `${text}\n— ${key.name} ${Buffer.concat([key.id, sign(null, text, key.privateKey)]).toString("base64")}\n`;
}

// ---- the tree, as RFC 9162 section 2.1.1 defines it
function root(hashes) {
	if (hashes.length === 0)
		return sha("");
	if (hashes.length === 1)
		return hashes[0];
	let half = 1;
	while (half * 2 < hashes.length)
		half *= 2;
	return sha("\x01", root(hashes.slice(0, half)), root(hashes.slice(half)));
}

/* The largest aligned subtrees of [from, to). */
function cover(hashes, from, to) {
	const found = [];
	for (let at = from; at < to;) {
		let leaves = 1;
		while (at % (leaves * 2) === 0 && at + leaves * 2 <= to)
			leaves *= 2;
		found.push(root(hashes.slice(at, at + leaves)).toString("hex"));
		at += leaves;
	}
	return { type: "skip", from, to, hashes: found };
}

// ---- rows
function makeRow(index, columns) {
	const person = columns.actor_type === "user" ? columns.actor_id : "";
	const row = { id: `log-${String(index).padStart(25, "0")}`, created_at: `2026-01-02T03:04:${String(index).padStart(2, "0")}.000000Z`,
		resource_type: "sandbox", resource_id: `cl-${String(index).padStart(25, "0")}`, scope: "team", status: "success", ...columns };
	const line = { type: "row", index, row, salts: {} };
	const values = { ...row, metadata: { ...row.metadata } };
	const commit = (place, name, path, subject) => {
		const salt = hmac(sha("key of ", subject), Buffer.from(`${row.id}\0${path}`));
		line.salts[path] = salt.toString("hex");
		place[name] = { c: hmac(salt, canonicalize(place[name])).toString("hex") };
	};
	if (person) {
		commit(values, "actor_id", "actor_id", person);
		commit(values, "actor_name", "actor_name", person);
	}
	for (const [name, value] of Object.entries(row.metadata ?? {})) {
		if (typeof value === "object" || ["email", "error", "name"].includes(name) || value === BERT)
			commit(values.metadata, name, `metadata.${name}`, value === BERT ? BERT : person);
	}
	if (Object.keys(values.metadata).length === 0)
		delete values.metadata;
	line.hash = sha("\0", canonicalize({ v: 1, team_id: TEAM, ...values })).toString("hex");
	if (Object.keys(line.salts).length === 0)
		delete line.salts;
	return { line, values };
}

/* The row after its person was erased: commitments in place of values and salts. */
function erase({ line, values }) {
	const erased = structuredClone(line);
	erased.commitments = {};
	for (const path of Object.keys(erased.salts)) {
		const [name, member] = path.split(".");
		erased.commitments[path] = (member ? values.metadata[member] : values[name]).c;
		if (member)
			delete erased.row.metadata[member];
		else
			delete erased.row[name];
	}
	delete erased.salts;
	return erased;
}

const host = { actor_type: "host", actor_id: "host-1", actor_name: "host-1" };
const anna = { actor_type: "user", actor_id: ANNA, actor_name: "Anna" };
const rows = [
	{ ...anna, action: "create", metadata: { template: "python" } },
	{ ...anna, action: "destroy", status: "warning" },
	{ ...host, action: "error", status: "error", metadata: { error: "no \"room\" left\n", phase: "create", reason: "capacity" } },
	{ actor_type: "user", actor_id: BERT, actor_name: "Bért 😀", action: "create", metadata: { error: "erased, too", template: "t" } },
	{ actor_type: "system", action: "pause", metadata: { "\u20ac": 1, "\ufb33": 2.5, "😀": -3, "\r": true, "ö": null, "": "" } },
	{ actor_type: "api_key", actor_id: "key-1", actor_name: "ci", action: "invite", resource_type: "member", metadata: { member: BERT } },
	{ ...anna, action: "pause", metadata: { list: [1, { b: 2, a: "x" }], name: "a name" } },
	{ ...host, action: "marked_up", scope: "admin" },
	{ ...anna, action: "resume" },
	{ ...host, action: "marked_down", status: "error" },
	{ ...anna, action: "destroy", metadata: { big: 9007199254740992, small: 0.002, zero: 0 } },
].map((columns, index) => makeRow(index, columns));
const lines = rows.map(({ line }) => line);
lines[3] = erase(rows[3]);
const hashes = lines.map(({ hash }) => Buffer.from(hash, "hex"));
const SIZE = lines.length;

// ---- files
const header = (more) => ({ type: "header", format: "wrenn-audit/1", team_id: TEAM, origin: ORIGIN, size: SIZE, ...more });
const checkpoint = (size = SIZE, options) => ({ type: "checkpoint", note: note(size, root(hashes.slice(0, size)), options) });
const skip = (from, to) => cover(hashes, from, to);
const text = (file) => file.map((line) => (typeof line === "string" ? line : JSON.stringify(line) + "\n")).join("");
const cases = [];
const write = (name, content) => writeFileSync(join(folder, name), content);

/* A case of its own file; `expected` is what is wrong, or nothing. */
function file(name, content, expected, more) {
	write(`${name}.jsonl`, text(content));
	cases.push({ files: [`${name}.jsonl`], ...(expected === undefined ? {} : { expected }), ...more });
}

/* The whole export after a change of one or more of its lines. */
function changed(name, expected, change) {
	const copy = structuredClone([header(), ...lines, checkpoint()]);
	file(name, change(copy) ?? copy, expected);
}

write("key", `${KEY.text}\n`);
write("other-key", `${OTHER_KEY.text}\n`);
write("foreign-key", `${FOREIGN_KEY.text}\n`);
write("two-keys", `${OTHER_KEY.text}\n${KEY.text}\n`);
write("two-installations", `${KEY.text}\n${FOREIGN_KEY.text}\n`);
write("5.note", note(5, root(hashes.slice(0, 5))));
write("8.note", note(8, root(hashes.slice(0, 8))));
write("rewritten-5.note", note(5, sha("another tree")));
write("5-and-more-outside.note", note(5, root(hashes.slice(0, 5)), { outside: 3 }));
write("20.note", note(20, sha("more rows")));
write("other-team.note", note(5, root(hashes.slice(0, 5)), { origin: `${INSTALLATION}/audit/team-other` }));

// What holds.
file("whole", [header(), ...lines, checkpoint()]);
cases.push({ files: ["whole.jsonl"], key: "two-keys" });
cases.push({ files: ["whole.jsonl"], checkpoints: ["5.note", "8.note"] });
file("empty", [{ ...header(), size: 0 }, checkpoint(0)]);
file("filtered", [header({ filters: { action: ["pause", "resume"] } }), skip(0, 4), lines[4], skip(5, 6), lines[6], skip(7, 8),
	lines[8], skip(9, 11), checkpoint()]);
cases.push({ files: ["filtered.jsonl"], checkpoints: ["8.note"] });
file("kept", [header({ first: 7 }), skip(0, 7), ...lines.slice(7), checkpoint()]);
file("hourly", [header(), ...lines.slice(0, 5), checkpoint(5), ...lines.slice(5), checkpoint()]);
write("begun.jsonl", text([header(), ...lines.slice(0, 6)]) + JSON.stringify(lines[6]).slice(0, 50));
file("continued", [header({ from: 6 }), skip(0, 6), ...lines.slice(6), checkpoint()]);
cases.push({ files: ["begun.jsonl", "continued.jsonl"], checkpoints: ["5.note", "8.note"] });
cases.push({ files: ["whole.jsonl", "nothing-more.jsonl"] });
write("nothing-more.jsonl", text([header({ from: SIZE }), skip(0, SIZE), checkpoint()]));

// What an older checkpoint shows, which the file alone does not.
cases.push({ files: ["whole.jsonl"], checkpoints: ["rewritten-5.note"], expected: "the first 5 rows are not those" });
cases.push({ files: ["whole.jsonl"], checkpoints: ["20.note"], expected: "the trail was cut off" });
cases.push({ files: ["filtered.jsonl"], checkpoints: ["5.note", "rewritten-5.note"], expected: "the first 5 rows are not those" });
cases.push({ files: ["kept.jsonl"], checkpoints: ["5.note"], expected: "cannot be compared" });
cases.push({ files: ["whole.jsonl"], checkpoints: ["5-and-more-outside.note"], expected: "an older checkpoint counts 3 rows outside" });
cases.push({ files: ["whole.jsonl"], checkpoints: ["other-team.note"], expected: "the older checkpoint is from" });
cases.push({ files: ["whole.jsonl"], key: "other-key", expected: "no key that was given signed it" });
cases.push({ files: ["whole.jsonl"], key: "foreign-key", expected: "no key that was given signed it" });

// Changes.
changed("field", "row 1 (log-0000000000000000000000001) does not hold", (file) => { file[2].row.action = "create"; });
changed("person", "row 0 ", (file) => { file[1].row.actor_name = "Bert"; });
changed("metadata", "row 2 ", (file) => { file[3].row.metadata.reason = "other"; });
changed("metadata-added", "row 1 ", (file) => { file[2].row.metadata = { reason: "x" }; });
changed("removed-field", "row 0 ", (file) => { delete file[1].row.resource_id; });
changed("salt", "row 0 ", (file) => { file[1].salts.actor_name = file[2].salts.actor_name; });
changed("exchanged-salts", "row 0 ", (file) => { [file[1].salts, file[2].salts] = [file[2].salts, file[1].salts]; });
changed("commitment", "row 3 ", (file) => { file[4].commitments.actor_name = file[4].commitments.actor_id; });
changed("restored-value", "nothing proves the value of \"actor_name\"", (file) => { file[4].row.actor_name = "Bert"; });
changed("unknown-member", "nothing proves its member \"note\"", (file) => { file[1].row.note = "innocent"; });
changed("unused-salt", "a value that it does not have", (file) => { file[2].salts["metadata.error"] = file[2].salts.actor_id; });
changed("lost-salt", "it lacks the salt of \"metadata.list\"", (file) => { delete file[7].salts["metadata.list"]; });
changed("with-its-hash", "a row from 0 on was changed", (file) => {
	file[2] = makeRow(1, { ...anna, action: "create", status: "warning" }).line;
});
changed("order", "expected row 4", (file) => { [file[5], file[6]] = [file[6], file[5]]; });
changed("order-and-index", "a row from 0 on was changed", (file) => {
	[file[8], file[10]] = [{ ...file[10], index: 7 }, { ...file[8], index: 9 }];
});
changed("removed", "expected row 5", (file) => { file.splice(6, 1); });
changed("removed-as-skip", "are left out, and the export has no filter", (file) => { file.splice(6, 1, skip(5, 6)); });
changed("removed-and-renumbered", "the checkpoint is for 11 rows", (file) => {
	file.splice(6, 1);
	file.forEach((line, at) => { if (line.type === "row") line.index = at - 1; });
});
changed("missing", "it is gone from the store", (file) => {
	file[6] = { type: "missing", index: 5, id: file[6].row.id, hash: file[6].hash };
});
changed("inserted", "expected row 6", (file) => { file.splice(6, 0, { ...file[6] }); });
changed("appended", "announces 11 rows", (file) => { file.splice(-1, 0, makeRow(11, anna).line); });
changed("cut-off", "it ends after 11 rows", (file) => file.slice(0, -1));
changed("cut-off-at-a-checkpoint", "it ends after 5 rows", (file) => [...file.slice(0, 6), checkpoint(5)]);
changed("cut-off-in-a-line", "", (file) => [...file.slice(0, 6), JSON.stringify(file[6]).slice(0, 40)]);
changed("headless", "does not start with the header", (file) => file.slice(1));
changed("other-team", "", (file) => { file[0].team_id = "team-other"; });
changed("signature", "does not fit the text", (file) => { file.at(-1).note = file.at(-1).note.replace("outside 2", "outside 0"); });
changed("signed-by-another", "no key that was given signed it", (file) => { file[file.length - 1] = checkpoint(SIZE, { key: OTHER_KEY }); });
changed("checkpoint-of-another-team", "belongs to another trail", (file) => {
	file[file.length - 1] = checkpoint(SIZE, { origin: `${INSTALLATION}/audit/team-other` });
});
changed("checkpoint-before", "the checkpoint is for 10 rows", (file) => { file[file.length - 1] = checkpoint(10); });
changed("twice-in-an-object", "", (file) => [...file.slice(0, 2),
	JSON.stringify(file[2]).replace("\"action\"", "\"action\":\"pause\",\"action\"") + "\n", ...file.slice(3)]);
changed("no-json", "", (file) => [...file.slice(0, 2), "row\n", ...file.slice(2)]);
changed("nul-that-no-hash-depends-on", "has a NUL in it", (file) => { file[0].filters = { note: "\0" }; });
file("skip-begins-elsewhere", [header({ first: 7 }), { ...skip(0, 7), from: false, index: 0 }, ...lines.slice(7), checkpoint()],
	"no whole number in \"from\"");
file("skip-with-decimals", [header({ first: 7 }), JSON.stringify(skip(0, 7)).replace("\"to\":7", "\"to\":7.0") + "\n", ...lines.slice(7), checkpoint()]);
changed("unknown-type", "", (file) => [file[0], { type: "remark" }, ...file.slice(1)]);
file("signed-by-another-installation", [header(), ...lines, checkpoint(SIZE, { key: FOREIGN_KEY })], "belongs to another trail", { key: "foreign-key" });
file("skip-changed", [header({ first: 7 }), { ...skip(0, 7), hashes: skip(0, 7).hashes.reverse() }, ...lines.slice(7), checkpoint()],
	"a row from 0 on was changed");
file("skip-short", [header({ first: 7 }), { ...skip(0, 7), hashes: skip(0, 7).hashes.slice(1) }, ...lines.slice(7), checkpoint()],
	"too many hashes, or too few");
file("skip-long", [header({ first: 7 }), { ...skip(0, 7), hashes: [...skip(0, 7).hashes, hashes[0].toString("hex")] }, checkpoint()],
	"too many hashes, or too few");
cases.push({ files: ["begun.jsonl"], expected: "" });
cases.push({ files: ["continued.jsonl", "whole.jsonl"], expected: "shows rows again" });
cases.push({ files: ["begun.jsonl", "kept.jsonl"], expected: "rows 0 to 6 are left out" });
cases.push({ files: ["begun.jsonl", "empty.jsonl"], expected: "" });
file("continued-changed", [header({ from: 6 }), { ...skip(0, 6), hashes: skip(0, 6).hashes.reverse() }, ...lines.slice(6), checkpoint()],
	"a row from 0 on was changed");
cases.push({ files: ["begun.jsonl", "continued-changed.jsonl"], expected: "does not follow the one before it" });

/* A second trail, with other rows in place of rows 1 and 4. Who holds the key forged it and signed it. So only 5.note shows
 * it. The files pass 5.note with the true rows, and then go on with the second trail. */
const forge = (index) => makeRow(index, { ...host, id: `log-forged-${index}`, action: "create" }).line;
const forged = lines.map((line, index) => (index === 1 || index === 4 ? forge(index) : line));
const forgedHashes = forged.map(({ hash }) => Buffer.from(hash, "hex"));
const forgedEnd = { type: "checkpoint", note: note(SIZE, root(forgedHashes)) };
const mixed = [...hashes.slice(0, 4), ...forgedHashes.slice(4)];
const older = { checkpoints: ["5.note"] };
file("forged", [header(), ...forged, forgedEnd]);
cases.push({ files: ["forged.jsonl"], ...older, expected: "the first 5 rows are not those" });
file("forged-after-rows", [header(), ...lines.slice(0, 6), header(), header(), ...forged, forgedEnd], "shows rows again");
cases.push({ files: ["forged-after-rows.jsonl"], ...older, expected: "shows rows again" });
const filtered = header({ filters: { action: ["resume"] } });
const forgedRest = [cover(forgedHashes, 0, 8), ...forged.slice(8), forgedEnd];
file("forged-after-two-headers", [header(), ...lines.slice(0, 6), header(), filtered, ...forgedRest], "does not follow the one before it", older);
file("forged-after-a-skip", [header(), skip(0, 5), header(), header(), ...forgedRest], "does not follow the one before it", older);
file("forged-after-a-part", [header(), ...lines.slice(0, 6), header(), skip(0, 4), filtered, skip(0, 4), cover(mixed, 4, 8),
	...forged.slice(8), { type: "checkpoint", note: note(SIZE, root(mixed)) }], "does not follow the one before it", older);
file("forged-before-a-part", [header(), cover(forgedHashes, 0, 8), ...forged.slice(8), header(), skip(0, 5), header(),
	cover(forgedHashes, 0, SIZE), forgedEnd], "cannot be compared", older);

// Begun with the header of one installation, and continued with that of another, whose key is trusted too.
const elsewhere = { origin: `elsewhere.example/audit/${TEAM}` };
file("continued-elsewhere", [header({ from: 6, ...elsewhere }), skip(0, 6), ...lines.slice(6), checkpoint(SIZE, { key: FOREIGN_KEY, ...elsewhere })],
	undefined, { key: "two-installations" });
cases.push({ files: ["begun.jsonl", "continued-elsewhere.jsonl"], key: "two-installations", expected: "but the one before it is from" });

// Continued three times: one file broke off after its header, and one within what it repeats.
write("header-alone.jsonl", text([header({ from: 6 })]));
write("part.jsonl", text([header({ from: 6 }), skip(0, 4)]));
cases.push({ files: ["begun.jsonl", "header-alone.jsonl", "part.jsonl", "header-alone.jsonl", "continued.jsonl"], ...older });
cases.push({ files: ["begun.jsonl", "header-alone.jsonl"], expected: "it ends after 0 rows" });
cases.push({ files: ["whole.jsonl", "header-alone.jsonl", "header-alone.jsonl"], expected: "it ends after 0 rows" });

writeFileSync(join(folder, "cases.json"), "[\n" + cases.map((one) => JSON.stringify(one)).join(",\n") + "\n]\n");
