// SPDX-License-Identifier: Apache-2.0

/** @type {Record<string, string>} */
const TYPES = {
	capsule: "sandbox",
	template: "snapshot",
	host: "host",
	volume: "volume",
	wrenn: "snapshot",
	audit: "audit_log",
};
/** @type {Record<string, string>} */
const IDS = {
	sandbox: "cl-6dfzh5ik5uxynzmlf5cshamdk",
	snapshot: "web-base-7",
	host: "host-2b8kq4v9x1m7c3z5n0r6t8y4w",
	volume: "vol-9c3z5n0r6t8y4w2b8kq4v9x1m",
	audit_log: "1200",
};

/** Longer than most products take: one sees what is cut. */
const LONG = "web-base-".repeat(300);

/** A whole event, as the control plane would publish it. @param {string} kind @param {string} outcome */
export function sampleEvent(kind, outcome) {
	const type = TYPES[kind.split(".")[0]];
	const failed = outcome === "error";
	const isMiss = kind.startsWith("wrenn.");
	return {
		event: kind,
		outcome: failed ? "error" : "success",
		timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
		actor:
			["host", "audit_log"].includes(type) || isMiss
				? { type: "system" }
				: { type: "user", id: "usr-4w2b8kq4v9x1m7c3z5n0r6t8y", name: "Ada Lovelace" },
		resource: { id: outcome === "long" ? LONG : IDS[type], type },
		...(isMiss
			? { metadata: { rule: "snapshot", late_s: failed ? undefined : "1020" } }
			: failed && { metadata: { reason: "host_failure" } }),
		...(failed && {
			error: isMiss ? "asked for at 10:02 UTC, no outcome after 15 min" : "the host did not answer within 30 s",
		}),
	};
}
