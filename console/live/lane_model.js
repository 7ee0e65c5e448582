// SPDX-License-Identifier: Apache-2.0
// What each capsule was doing, read off its events: when it ran, was paused or was being copied.

/**
 * @typedef {"starting" | "running" | "paused" | "snapshotting" | "stopping" | "ended" | "broken"} State
 * @typedef {{from: number, state: State}} Segment
 * @typedef {{at: number, kind: string, failed: boolean}} Mark
 * @typedef {{id: string, last: number, segments: Segment[], marks: Mark[]}} Lane
 */

const LANES = 200;
const MARKS = 400;

/** @type {Record<string, State>} */
const OF_STATUS = {
	pending: "starting",
	starting: "starting",
	resuming: "starting",
	running: "running",
	pausing: "stopping",
	paused: "paused",
	hibernated: "paused",
	snapshotting: "snapshotting",
	stopping: "stopping",
	stopped: "ended",
	missing: "broken",
	error: "broken",
};

/** An accepted request (somebody) begins a thing, its completion (the system) ends it. @type {Record<string, [State, State]>} */
const OF_KIND = {
	"capsule.create": ["starting", "running"],
	"capsule.resume": ["starting", "running"],
	"capsule.pause": ["stopping", "paused"],
	"capsule.destroy": ["stopping", "ended"],
};

/** @param {StreamEvent} event @returns {State | undefined} */
function stateAfter(event) {
	if (event.event === "capsule.state.changed") return OF_STATUS[event.metadata?.to ?? ""];
	const states = OF_KIND[event.event];
	if (!states) return undefined;
	if (event.outcome === "error") return event.event === "capsule.create" ? "broken" : undefined;
	return states[event.actor?.type === "system" ? 1 : 0];
}

export class Lanes {
	constructor() {
		/** @type {Map<string, Lane>} */
		this.byId = new Map();
	}

	/** @param {import("./feed.js").Item} item */
	take({ at, event }) {
		const resource = event.resource?.id;
		if (!resource || !event.event.startsWith("capsule.")) return;
		const lane = this.byId.get(resource) ?? { id: resource, last: 0, segments: [], marks: [] };
		// In the order of the last event, so that the oldest is the first to go.
		this.byId.delete(resource);
		this.byId.set(resource, lane);
		if (this.byId.size > LANES) this.byId.delete(/** @type {string} */ (this.byId.keys().next().value));
		lane.last = Math.max(lane.last, at);
		this.move(lane, at, event);
		if (event.event === "capsule.state.changed") return;
		lane.marks.push({ at, kind: event.event, failed: event.outcome === "error" });
		if (lane.marks.length > MARKS) lane.marks.splice(0, MARKS / 2);
	}

	/** @param {Lane} lane @param {number} at @param {StreamEvent} event */
	move(lane, at, event) {
		const state = stateAfter(event);
		const current = lane.segments.at(-1);
		if (!state || current?.state === state) return;
		// A request that was done already is no step back to "starting".
		if (current && at < current.from) return;
		lane.segments.push({ from: at, state });
		if (lane.segments.length > MARKS) lane.segments.splice(0, MARKS / 2);
	}

	/** The newest first. @param {number} since ms */
	recent(since) {
		return [...this.byId.values()]
			.filter((lane) => lane.last >= since || !["ended", undefined].includes(lane.segments.at(-1)?.state))
			.reverse();
	}
}
