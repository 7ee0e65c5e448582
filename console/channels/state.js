// SPDX-License-Identifier: Apache-2.0
// A channel's state at a glance.
import { number } from "../format.js";
import { html } from "../html.js";
import { Pill } from "../parts/pill.js";
import { Time, now } from "../parts/time.js";

/** What is snoozed now, the whole channel first. @param {Channel} channel */
export function snoozesOf({ snooze }) {
	const { until = "", resources = {} } = snooze ?? {};
	return Object.entries({ "": until, ...resources })
		.filter(([, end]) => Date.parse(end) > now.value)
		.map(([resource, end]) => ({ resource, until: end }));
}

/** @param {{channel: Channel, health: Health | undefined}} props */
export function StatePill({ channel, health }) {
	if (channel.disabled) return html`<${Pill} tone="off">Disabled<//>`;
	if (snoozesOf(channel)[0]?.resource === "") return html`<${Pill} tone="off">Snoozed<//>`;
	if (!health) return html`<${Pill} tone="busy">…<//>`;
	if (health.state === "healthy") return html`<${Pill} tone="good">Healthy<//>`;
	if (health.state === "disabled") return html`<${Pill} tone="off">Disabled<//>`;
	if (health.breaker.state === "open") return html`<${Pill} tone="bad">Paused<//>`;
	return html`<${Pill} tone="bad">${health.state === "probing" ? "Trying again" : "Failing"}<//>`;
}

/** Why it is not healthy, in a sentence; nothing when it is. @param {{channel: Channel, health: Health | undefined}} props */
export function Trouble({ channel, health }) {
	if (channel.disabled)
		return html`<p class="trouble">
			Disabled${channel.disabled_reason ? html`: <bdi>${channel.disabled_reason}</bdi>` : ""}. What happens
			meanwhile waits.
		</p>`;
	if (!health || health.state === "healthy") return html`<${Held} health=${health} />`;
	const { failing_since: since, last_error: error, breaker } = health;
	return html`<p class="trouble">
		${since ? html`Failing since <${Time} at=${since} />` : "Failing"}${error ? html`: <bdi>${error}</bdi>` : ""}.
		${breaker.until ? html` Next try <${Time} at=${breaker.until} as="due" />.` : ""}
	</p>`;
}

/** What waits because of quiet hours or a snooze. @param {{health: Health | undefined}} props */
function Held({ health }) {
	const { held, held_until: until } = health?.backlog ?? {};
	return until
		? html`<p class="small-text dim">${number(held ?? 0)} held until <${Time} at=${until} as="until" />.</p>`
		: null;
}
