// SPDX-License-Identifier: Apache-2.0
// The kinds of events, by what they mean.

/**
 * @typedef {object} Kind
 * @property {string} kind as the API has it
 * @property {string} group
 * @property {string} done what has happened
 * @property {string} failed what has happened when its outcome is an error
 * @property {string} means for people who choose
 */

/** @type {Kind[]} */
export const KINDS = [
	{
		kind: "capsule.create",
		group: "Capsules",
		done: "Capsule created",
		failed: "Capsule creation failed",
		means: "A capsule is created, or could not be",
	},
	{
		kind: "capsule.pause",
		group: "Capsules",
		done: "Capsule paused",
		failed: "Capsule pause failed",
		means: "Somebody pauses one, or it was idle too long",
	},
	{
		kind: "capsule.resume",
		group: "Capsules",
		done: "Capsule resumed",
		failed: "Capsule resume failed",
		means: "A paused capsule runs again",
	},
	{
		kind: "capsule.destroy",
		group: "Capsules",
		done: "Capsule destroyed",
		failed: "Capsule destruction failed",
		means: "A capsule is gone for good",
	},
	{
		kind: "template.snapshot.create",
		group: "Snapshots",
		done: "Snapshot created",
		failed: "Snapshot failed",
		means: "A snapshot has finished, or failed",
	},
	{
		kind: "template.snapshot.delete",
		group: "Snapshots",
		done: "Snapshot deleted",
		failed: "Snapshot deletion failed",
		means: "A snapshot is removed",
	},
	{
		kind: "host.up",
		group: "Hosts",
		done: "Host is up",
		failed: "Host did not come up",
		means: "A host of yours can be reached again",
	},
	{
		kind: "host.down",
		group: "Hosts",
		done: "Host is down",
		failed: "Host is down",
		means: "A host of yours cannot be reached",
	},
	{
		kind: "volume.create",
		group: "Volumes",
		done: "Volume created",
		failed: "Volume creation failed",
		means: "A volume is created",
	},
	{
		kind: "volume.delete",
		group: "Volumes",
		done: "Volume deleted",
		failed: "Volume deletion failed",
		means: "A volume is deleted",
	},
	{
		kind: "wrenn.expectation.missed",
		group: "Expectations",
		done: "Expected event was late",
		failed: "Expected event did not come",
		means: "Something that the team expects is missing or late",
	},
	{
		kind: "audit.checkpoint",
		group: "Audit",
		done: "Audit checkpoint signed",
		failed: "Audit checkpoint failed",
		means: "The audit log is signed, once an hour",
	},
];

const BY_NAME = new Map(KINDS.map((kind) => [kind.kind, kind]));

/** What happened, in words; the kind itself when it is new to us. @param {string} kind @param {string} [outcome] */
export function sentence(kind, outcome) {
	const known = BY_NAME.get(kind);
	if (known) return outcome === "error" ? known.failed : known.done;
	if (kind === "capsule.state.changed") return "State changed";
	if (kind === "notification.digest") return "Digest of many events";
	return kind;
}

/** @type {Map<string, Kind[]>} */
export const GROUPS = new Map();
for (const kind of KINDS) GROUPS.set(kind.group, [...(GROUPS.get(kind.group) ?? []), kind]);
