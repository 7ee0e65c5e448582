// SPDX-License-Identifier: Apache-2.0
// The only module that asks the API, except for the stream. The types come from docs/openapi.yaml.
import { address } from "./early.js";
import { credentials } from "./key.js";
import { forgetRefused } from "./session.js";

/** An answer that is an error, or no answer. */
export class ApiError extends Error {
	/**
	 * @param {number} status 0 without an answer
	 * @param {string} code
	 * @param {string} message
	 * @param {string} [field] what the request had wrong
	 */
	constructor(status, code, message, field) {
		super(message);
		this.status = status;
		this.code = code;
		this.field = field;
	}
}

/** @param {Response} answer */
async function errorOf(answer) {
	/** @type {Schemas["Error"]["error"]} */
	let found = { code: "internal_error", message: `The service answered ${answer.status}.` };
	try {
		found = (await answer.json()).error ?? found;
	} catch {
		// A proxy answered in its own words.
	}
	return new ApiError(answer.status, found.code, found.message, found.details?.field);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{query?: Query, body?: unknown, signal?: AbortSignal}} [more]
 */
async function ask(method, path, { query, body, signal } = {}) {
	const headers = credentials(method !== "GET");
	if (body !== undefined) headers["Content-Type"] = "application/json";
	/** @type {Response} */
	let answer;
	try {
		answer = await fetch(address(path, query), {
			method,
			headers,
			body: body === undefined ? undefined : JSON.stringify(body),
			signal,
			cache: "no-store",
		});
	} catch (cause) {
		if (signal?.aborted) throw cause;
		throw new ApiError(0, "unreachable", "The service cannot be reached.");
	}
	if (answer.ok) return answer;
	const error = await errorOf(answer);
	if (answer.status === 401) forgetRefused(headers, error.message);
	throw error;
}

/**
 * @template T
 * @param {string} path
 * @param {Query} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
async function read(path, query, signal) {
	const answer = await ask("GET", path, { query, signal });
	return /** @type {any} */ (answer.status === 204 ? null : await answer.json());
}

/**
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
async function change(method, path, body, signal) {
	const answer = await ask(method, path, { body, signal });
	return /** @type {any} */ (answer.status === 204 ? null : await answer.json());
}

/**
 * Whether the credentials are good. Throws ApiError if not.
 * @returns {Promise<unknown>}
 */
export function checkCredentials() {
	return read("channels", { limit: 1 });
}

/** @param {AbortSignal} [signal] @returns {Promise<Channel[]>} */
export async function listChannels(signal) {
	/** @type {Channel[]} */
	const all = [];
	/** @type {Query} */
	let query = {};
	for (;;) {
		const answer = await ask("GET", "channels", { query, signal });
		all.push(...(await answer.json()));
		const next = /<([^>]*)>; rel="next"/.exec(answer.headers.get("Link") ?? "");
		if (!next) return all;
		query = Object.fromEntries(new URL(next[1], address("")).searchParams);
	}
}

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Channel>} */
export const getChannel = (id, signal) => read(`channels/${id}`, {}, signal);

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Health>} */
export const getHealth = (id, signal) => read(`channels/${id}/health`, {}, signal);

/** @param {Schemas["CreateChannel"]} channel @returns {Promise<NewChannel>} */
export const createChannel = (channel) => change("POST", "channels", channel);

/** @param {string} id @param {Schemas["UpdateChannel"]} channel @returns {Promise<Channel>} */
export const updateChannel = (id, channel) => change("PATCH", `channels/${id}`, channel);

/** @param {string} id @param {{config: Record<string, string>, overlap_s?: number}} config @returns {Promise<Channel>} */
export const replaceConfig = (id, config) => change("PUT", `channels/${id}/config`, config);

/** @param {string} id @param {"deliver" | "skip"} backlog @returns {Promise<Channel>} */
export const enableChannel = (id, backlog) => change("POST", `channels/${id}/enable`, { backlog });

/** @param {string} id @param {Schemas["SnoozeChannel"]} what @returns {Promise<Channel>} */
export const snoozeChannel = (id, what) => change("POST", `channels/${id}/snooze`, what);

/** @param {string} id @param {string} resource "" for the whole channel @returns {Promise<Channel>} */
export const endSnooze = (id, resource) =>
	change("DELETE", `channels/${id}/snooze${resource && `?resource=${encodeURIComponent(resource)}`}`);

/** @param {string} id @returns {Promise<null>} */
export const deleteChannel = (id) => change("DELETE", `channels/${id}`);

/** @param {Schemas["TryChannel"]} channel @returns {Promise<{status: string, warnings?: string[]}>} */
export const testChannel = (channel) => change("POST", "channels/test", channel);

/** @param {Omit<Schemas["PreviewMessage"], "event"> & {event?: object}} message @param {AbortSignal} [signal] @returns {Promise<Preview>} */
export const preview = (message, signal) => change("POST", "channels/preview", message, signal);

/** @param {string} id @param {Query} query @param {AbortSignal} [signal] @returns {Promise<DeliveryPage>} */
export const listDeliveries = (id, query, signal) => read(`channels/${id}/deliveries`, query, signal);

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<DeliveryDetail>} */
export const getDelivery = (id, signal) => read(`deliveries/${id}`, {}, signal);

/** @param {string} id @returns {Promise<Delivery>} */
export const redeliver = (id) => change("POST", `deliveries/${id}/redeliver`);

/** @param {string} id @param {Schemas["Recover"]} what @returns {Promise<Schemas["Recovered"]>} */
export const recover = (id, what) => change("POST", `channels/${id}/recover`, what);

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Explanation>} */
export const explain = (id, signal) => read(`events/${id}/explain`, {}, signal);

/** How many saw an event live. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Schemas["EventListeners"]>} */
export const getListeners = (id, signal) => read(`events/${id}/listeners`, {}, signal);

/**
 * One event by its stream id: the first one after the id just before it. Null when it is no longer kept.
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<StreamEvent | null>}
 */
export async function getEvent(id, signal) {
	const [ms, sequence] = id.split("-").map(BigInt);
	const before = sequence > 0n ? `${ms}-${sequence - 1n}` : `${ms - 1n}-18446744073709551615`;
	try {
		/** @type {StreamEvent | null} */
		const event = await read(
			"events/wait",
			{ last_event_id: before, event: "*,volume.*,wrenn.*,audit.*", timeout: 1 },
			signal,
		);
		return event?.id === id ? event : null;
	} catch (error) {
		if (error instanceof ApiError && error.status === 409) return null;
		throw error;
	}
}

/** @param {Query} query @param {AbortSignal} [signal] @returns {Promise<AuditPage>} */
export const listAudit = (query, signal) => read("audit-logs", query, signal);

/** The filtered trail, as it comes. @param {Query} query */
export const exportAudit = (query) => ask("GET", "audit-logs/export", { query });

/** For administrators with a session. @param {AbortSignal} [signal] @returns {Promise<AdminStatus>} */
export const getStatus = (signal) => read("admin/status", {}, signal);

/** @param {Query} query @param {AbortSignal} [signal] @returns {Promise<DeadLetterPage>} */
export const listDeadLetters = (query, signal) => read("admin/dead-letters", query, signal);

/** @param {string} id @returns {Promise<{event_id: string}>} */
export const offerDeadLetter = (id) => change("POST", `admin/dead-letters/${id}/offer`);

/** @param {string} id @param {string} range @param {AbortSignal} [signal] @returns {Promise<ChannelActivity>} */
export const getChannelActivity = (id, range, signal) => read(`channels/${id}/activity`, { range }, signal);

/** @param {string} range @param {AbortSignal} [signal] @returns {Promise<EventActivity>} */
export const getEventActivity = (range, signal) => read("events/activity", { range }, signal);

/** @param {AbortSignal} [signal] @returns {Promise<Expectation[]>} */
export const listExpectations = async (signal) =>
	/** @type {Schemas["Expectations"]} */ (await read("expectations", {}, signal)).items;

/** @param {string} name @param {Schemas["SetExpectation"]} rule @returns {Promise<Expectation>} */
export const setExpectation = (name, rule) => change("PUT", `expectations/${name}`, rule);

/** @param {string} name @returns {Promise<null>} */
export const removeExpectation = (name) => change("DELETE", `expectations/${name}`);

/** @param {AbortSignal} [signal] @returns {Promise<PendingSnapshots>} */
export const getPendingSnapshots = (signal) => read("snapshots/pending", {}, signal);
