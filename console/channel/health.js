// SPDX-License-Identifier: Apache-2.0
import { duration, number, waiting } from "../format.js";
import { html } from "../html.js";
import { messageOf } from "../parts/failure.js";
import { Icon } from "../parts/icon.js";
import { Loaded } from "../parts/loading.js";
import { Time } from "../parts/time.js";

/** @param {{channel: Channel, health: any, onAsk: (name: string) => void}} props */
export function HealthFacts({ channel, health, onAsk }) {
	return html`<${Loaded} of=${health} lines=${3}>
		${(/** @type {Health} */ found) => html`
			${channel.disabled
				? html`<${Disabled} channel=${channel} health=${found} onAsk=${onAsk} />`
				: html`<${Failing} health=${found} />`}
			${found.fallback?.taken_over_at
				? html`<div class="notice busy">
						<${Icon} name="again" />
						<p class="notice-text">
							<a href=${`#/channels/${found.fallback.channel_id}`}>Another channel</a> has taken over
							since <${Time} at=${found.fallback.taken_over_at} />. This one also gets what it missed.
						</p>
					</div>`
				: null}
			<dl class="figures card">
				<div>
					<dt>Waiting to be sent</dt>
					<dd>${waiting(found.backlog)}</dd>
					<dd class="more">
						${found.backlog.held_until
							? html`${number(found.backlog.held ?? 0)} held until
									<${Time} at=${found.backlog.held_until} as="until" />,${" "}`
							: ""}
						${found.backlog.oldest_at
							? html`the oldest since <${Time} at=${found.backlog.oldest_at} />`
							: "nothing waits"}
					</dd>
				</div>
				<div>
					<dt>Last success</dt>
					<dd>
						${found.last_success_at ? html`<${Time} at=${found.last_success_at} as="ago" />` : "none yet"}
					</dd>
					<dd class="more">
						${found.last_success_at
							? html`<${Time} at=${found.last_success_at} />`
							: "Send a test, or wait for the next event"}
					</dd>
				</div>
				<div>
					<dt>Last error</dt>
					<dd>${found.last_error_at ? html`<${Time} at=${found.last_error_at} as="ago" />` : "none"}</dd>
					<dd class="more wrap">${found.last_error ?? "nothing went wrong lately"}</dd>
				</div>
				<div>
					<dt>Pace</dt>
					<dd>${found.pace?.interval_ms ? `1 per ${duration(found.pace.interval_ms)}` : "no limit"}</dd>
					<dd class="more">
						${found.rate_limited
							? html`${found.rate_limited.by} asked for a pause until
									<${Time} at=${found.rate_limited.until} />`
							: found.pace?.burst
								? `up to ${found.pace.burst} at once`
								: ""}
					</dd>
				</div>
			</dl>
		`}
	<//>`;
}

/** @param {{channel: Channel, health: Health, onAsk: (name: string) => void}} props */
function Disabled({ channel, health, onAsk }) {
	const why = health.disabled_reason ?? channel.disabled_reason;
	return html`<div class="notice bad">
		<${Icon} name="warn" />
		<div>
			<p class="notice-text">
				<strong>Disabled${health.disabled_at ? html` since <${Time} at=${health.disabled_at} />` : ""}.</strong
				>${" "}
				<bdi>${why ? messageOf(why) : ""}</bdi>
			</p>
			<p class="notice-more">
				Nothing is sent, and nothing is lost: what happens waits. Repair it at the other end or replace the
				settings, then enable it.
			</p>
		</div>
		<button type="button" class="button small" onClick=${() => onAsk("enable")}>Enable …</button>
	</div>`;
}

/** @param {{health: Health}} props */
function Failing({ health }) {
	if (health.state === "healthy") return null;
	const { breaker, failing_since: since, last_error: error } = health;
	return html`<div class="notice bad">
		<${Icon} name="warn" />
		<div>
			<p class="notice-text">
				<strong>Failing${since ? html` since <${Time} at=${since} />` : ""}.</strong>${" "}
				<bdi>${error ? messageOf(error) : ""}</bdi>
			</p>
			<p class="notice-more">
				${breaker.failures} failures in a row.
				${breaker.state === "open"
					? html`Paused; next attempt <${Time} at=${breaker.until ?? ""} as="due" />.`
					: "It is tried again by itself."}
				Nothing is lost meanwhile.
			</p>
		</div>
	</div>`;
}
