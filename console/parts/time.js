// SPDX-License-Identifier: Apache-2.0
import { ago, clock, dayAndClock, due, until, utc } from "../format.js";
import { html } from "../html.js";
import { signal } from "../vendor/signals.js";

/** Moves once a second while somebody looks at the page. */
export const now = signal(Date.now());
setInterval(() => {
	if (!document.hidden) now.value = Date.now();
}, 1000);

const WORDS = {
	ago: (/** @type {Date} */ date) => ago(date, now.value),
	due: (/** @type {Date} */ date) => due(date, now.value),
	clock,
	day: dayAndClock,
	until,
};

/**
 * A time in the reader's zone, with UTC on hover.
 * @param {{at: string | Date, as?: keyof WORDS}} props
 */
export function Time({ at, as = "day" }) {
	const date = typeof at === "string" ? new Date(at) : at;
	if (Number.isNaN(date.getTime())) return html`<span>${String(at)}</span>`;
	return html`<time datetime=${date.toISOString()} title=${utc(date)}>${WORDS[as](date)}</time>`;
}
