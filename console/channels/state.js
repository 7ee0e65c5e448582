// SPDX-License-Identifier: Apache-2.0
// A channel's state at a glance.
import { html } from "../html.js";
import { Pill } from "../parts/pill.js";
import { Time } from "../parts/time.js";

/** @param {{channel: Channel, health: Health | undefined}} props */
export function StatePill({ channel, health }) {
	if (channel.disabled) return html`<${Pill} tone="off">Disabled<//>`;
	if (!health) return html`<${Pill} tone="busy">…<//>`;
	if (health.state === "healthy") return html`<${Pill} tone="good">Healthy<//>`;
	if (health.state === "disabled") return html`<${Pill} tone="off">Disabled<//>`;
	if (health.breaker.state === "open") return html`<${Pill} tone="bad">Resting<//>`;
	return html`<${Pill} tone="bad">${health.state === "probing" ? "Trying again" : "Failing"}<//>`;
}

/** Why it is not healthy, in a sentence; nothing when it is. @param {{channel: Channel, health: Health | undefined}} props */
export function Trouble({ channel, health }) {
	if (channel.disabled)
		return html`<p class="trouble">
			${channel.disabled_reason ? `Disabled: ${channel.disabled_reason}.` : "Disabled."} What happens meanwhile
			waits.
		</p>`;
	if (!health || health.state === "healthy") return null;
	const { failing_since: since, last_error: error, breaker } = health;
	return html`<p class="trouble">
		${since ? html`Failing since <${Time} at=${since} />` : "Failing"}${error ? `: ${error}` : ""}.
		${breaker.until ? html` Next try <${Time} at=${breaker.until} as="ago" />.` : ""}
	</p>`;
}
