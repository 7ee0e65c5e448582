// SPDX-License-Identifier: Apache-2.0
// Times, durations and numbers as people read them: times in the reader's zone.

/** @param {number} value @param {string} one @param {string} [many] */
export function count(value, one, many = `${one}s`) {
	return `${number(value)} ${value === 1 ? one : many}`;
}

/** @param {number} value */
export const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** What waits in a channel. @param {Health["backlog"]} backlog */
export const waiting = (backlog) => number(backlog.pending) + (backlog.has_more ? "+" : "");

// Intl would do it, but takes 30 ms to begin, before the first event is shown.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"];

/** @param {Date} date */
export const clock = (date) => date.toTimeString().slice(0, 8);

/** @param {Date} date */
const isToday = (date) => new Date().toDateString() === date.toDateString();

/** @param {Date} date */
const dayAndMinute = (date) =>
	`${isToday(date) ? "" : `${date.getDate()} ${MONTHS[date.getMonth()]}, `}${clock(date).slice(0, 5)}`;

/** @param {Date} date */
export const dayAndClock = (date) => (isToday(date) ? clock(date) : dayAndMinute(date));

/** @type {Intl.DateTimeFormat | undefined} */
let zoned;

/** The name of the reader's zone at that time: "CET" or "GMT+5:30". @param {Date} date */
function zone(date) {
	zoned ??= new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
	return zoned.formatToParts(date).find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** With the zone, as quiet hours may be in another one. @param {Date} date */
export const until = (date) => `${dayAndMinute(date)} ${zone(date)}`;

/** @param {Date} date */
export const utc = (date) =>
	date
		.toISOString()
		.replace("T", " ")
		.replace(/\.\d+Z/, " UTC");

const UNITS = /** @type {const} */ ([
	["d", 86_400_000],
	["h", 3_600_000],
	["min", 60_000],
	["s", 1000],
]);

/** A duration in its two largest units. @param {number} ms */
export function duration(ms) {
	if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
	if (ms < 10_000) return `${(ms / 1000).toFixed(1).replace(".0", "")} s`;
	const first = UNITS.findIndex(([, size]) => ms >= size);
	const [name, size] = UNITS[first];
	const next = UNITS[first + 1];
	const rest = next ? Math.floor((ms % size) / next[1]) : 0;
	return `${Math.floor(ms / size)} ${name}${rest && next ? ` ${rest} ${next[0]}` : ""}`;
}

/** @param {Date} date @param {number} [now] */
export function ago(date, now = Date.now()) {
	const ms = now - date.getTime();
	if (Math.abs(ms) < 5000) return "just now";
	const [name, size] = UNITS.find(([, unit]) => Math.abs(ms) >= unit) ?? UNITS[3];
	const text = `${Math.floor(Math.abs(ms) / size)} ${name}`;
	return ms < 0 ? `in ${text}` : `${text} ago`;
}

/** When something is to happen; what is overdue happens now. @param {Date} date @param {number} now */
export const due = (date, now) => (date.getTime() - now < 5000 ? "now" : ago(date, now));

/** @param {number} size in bytes */
export function bytes(size) {
	if (size < 1024) return `${size} B`;
	const units = ["KiB", "MiB", "GiB", "TiB"];
	let value = size / 1024;
	let unit = 0;
	for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
	return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** The beginning, without half a character at its end. @param {string} text @param {number} length */
const cut = (text, length) => text.slice(0, length).replace(/[\ud800-\udbff]$/, "");

const LONG_ID = 64;

/** An id whose middle is left out: enough to distinguish it. @param {string} id */
export function shortId(id) {
	if (id.length > LONG_ID) return `${cut(id, LONG_ID - 16)}…`;
	return /^[a-z]+-[0-9a-z]{25}$/.test(id) ? `${id.slice(0, id.indexOf("-") + 7)}…${id.slice(-4)}` : id;
}

const SHOWN = 600;

/** A text that may be of any length, as long as one reads it. The JSON beside it has all. @param {string} text */
export const shortText = (text) => (text.length > SHOWN ? `${cut(text, SHOWN)}…` : text);

/** The time in a stream id. @param {string} id */
export const timeOfId = (id) => new Date(Number(id.split("-")[0]));
