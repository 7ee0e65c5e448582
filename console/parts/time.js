// SPDX-License-Identifier: Apache-2.0
import { ago, clock, dayAndClock, utc } from "../format.js";
import { html } from "../html.js";
import { signal } from "../vendor/signals.js";

/** Moves once a second while somebody looks at the page. */
export const now = signal(Date.now());
setInterval(() => {
	if (!document.hidden) now.value = Date.now();
}, 1000);

/**
 * A time in the reader's zone, with UTC on hover.
 * @param {{at: string | Date, as?: "clock" | "day" | "ago"}} props
 */
export function Time({ at, as = "day" }) {
	const date = typeof at === "string" ? new Date(at) : at;
	if (Number.isNaN(date.getTime())) return html`<span>${String(at)}</span>`;
	const text = as === "ago" ? ago(date, now.value) : as === "clock" ? clock(date) : dayAndClock(date);
	return html`<time datetime=${date.toISOString()} title=${utc(date)}>${text}</time>`;
}
