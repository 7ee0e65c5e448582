// SPDX-License-Identifier: Apache-2.0
// How the stream is, in words.
import { html } from "../html.js";
import { timeOfId } from "../format.js";
import { Icon } from "../parts/icon.js";
import { Pill } from "../parts/pill.js";
import { Time, now } from "../parts/time.js";
import { feed } from "./feed.js";

const PILLS = /** @type {const} */ ({
	connecting: ["busy", "Connecting"],
	live: ["good", "Live"],
	stale: ["busy", "Redis unreachable"],
	lost: ["bad", "Connection lost"],
	closed: ["bad", "Closed"],
});

export function Condition() {
	const { phase } = feed.condition.value;
	const [tone, word] = PILLS[phase];
	return html`<div class="condition" role="status"><${Pill} tone=${tone}>${word}<//></div>`;
}

/** The whole story, where one looks: above the events. */
export function ConditionNotice() {
	const { phase, why, retryAt } = feed.condition.value;
	const gap = feed.gap.value;
	return html`
		${phase === "lost" &&
		html`<${Notice}
			tone="bad"
			action=${html`<button type="button" class="button small" onClick=${() => feed.retryNow()}>Try now</button>`}
		>
			<strong>Connection lost</strong>: ${why}.
			<span aria-hidden="true"
				>${retryAt && retryAt > now.value
					? `Trying again in ${Math.ceil((retryAt - now.value) / 1000)} s.`
					: "Trying again."}</span
			>
			Nothing is missed: it goes on where it stopped.
		<//>`}
		${phase === "stale" &&
		html`<${Notice} tone="busy"
			><strong>The source is away</strong>: ${why}. New events come when it is back; none is lost.<//
		>`}
		${phase === "closed" &&
		html`<${Notice} tone="bad"
			><strong>The stream is closed</strong>: ${why}. Change the filters, or sign in again.<//
		>`}
		${gap &&
		html`<${Notice}
			tone="busy"
			action=${html`<button type="button" class="button small" onClick=${() => (feed.gap.value = null)}>
				Dismiss
			</button>`}
		>
			<strong>A gap</strong>: some events are no longer kept.
			${gap.oldest ? html`The list begins with <${Time} at=${timeOfId(gap.oldest)} />.` : ""} The
			<a href="#/audit">audit trail</a> has what is missing here.
		<//>`}
	`;
}

/** @param {{tone: string, action?: any, children?: any}} props */
function Notice({ tone, action, children }) {
	return html`<div class=${`notice ${tone}`} role="status">
		<${Icon} name="warn" />
		<p class="notice-text">${children}</p>
		${action}
	</div>`;
}
