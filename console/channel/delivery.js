// SPDX-License-Identifier: Apache-2.0
import { getDelivery, redeliver } from "../api.js";
import { count, duration, shortId } from "../format.js";
import { html } from "../html.js";
import { sentence } from "../kinds.js";
import { Icon } from "../parts/icon.js";
import { Json } from "../parts/json.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { Pill } from "../parts/pill.js";
import { Time } from "../parts/time.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";

const TONES = /** @type {const} */ ({
	delivered: "good",
	pending: "busy",
	failed: "bad",
	dropped: "off",
	folded: "off",
});
export const WORDS = /** @type {const} */ ({
	delivered: "delivered",
	pending: "waiting",
	failed: "failed",
	dropped: "dropped",
	folded: "in another message",
});

/** @param {{delivery: Delivery}} props */
export function DeliveryRow({ delivery }) {
	const open = useSignal(false);
	const { state, held_until: held } = delivery;
	const error = state === "delivered" ? "" : (delivery.last_error ?? "");
	return html`<li class="row">
		<button
			type="button"
			class="row-line delivery-line"
			aria-expanded=${open.value}
			onClick=${() => (open.value = !open.value)}
		>
			<span class="row-turn"><${Icon} name=${open.value ? "down" : "right"} size=${16} /></span>
			<${Pill} tone=${TONES[state]}>${held ? "held" : WORDS[state]}<//>
			<span class="row-main"
				><b>${sentence(delivery.event, delivery.outcome)}</b>${" "}<span class="mono dim"
					>${shortId(delivery.resource ?? "")}</span
				>${held ? html` <span class="dim">until <${Time} at=${held} as="until" /></span>` : null}${error
					? html`<span class="row-error">${error}</span>`
					: null}</span
			>
			<span class="row-count dim">${count(delivery.attempts, "attempt")}</span>
			<span class="row-time dim"><${Time} at=${delivery.created_at} /></span>
		</button>
		${open.value ? html`<${DeliveryDetail} id=${delivery.id} version=${`${state} ${delivery.attempts}`} />` : null}
	</li>`;
}

/** @param {{id: string, version?: string}} props */
export function DeliveryDetail({ id, version = "" }) {
	const detail = useLoad((signal) => getDelivery(id, signal), [id, version], 3000);
	const redelivery = useTry();
	const again = () => redelivery.run(() => redeliver(id).then(detail.again));
	return html`<div class="row-detail">
		<${Loaded} of=${detail} lines=${3}>
			${(/** @type {DeliveryDetail} */ found) => html`
				${found.attempts.length
					? html`<ol class="attempts">
							${found.attempts.map(
								(attempt) => html`<${AttemptLine} key=${attempt.number} attempt=${attempt} />`,
							)}
						</ol>`
					: html`<p class="dim small-text">
							No attempt
							yet${found.next_attempt_at
								? html`; the first is due <${Time} at=${found.next_attempt_at} as="due" />`
								: ""}.
						</p>`}
				${found.state === "pending" && found.attempts.length && found.next_attempt_at
					? html`<p class="dim small-text">
							The next attempt is due <${Time} at=${found.next_attempt_at} as="due" />.
						</p>`
					: null}
				${found.digest_id ? html`<${Carrier} id=${found.digest_id} />` : null}
				${found.note ? html`<p class="dim small-text">Instead of another channel: ${found.note}</p>` : null}
				${found.folded
					? html`<ul class="folded">
							${found.folded.map(
								(part) => html`<li>${part.count} × ${sentence(part.event, part.outcome)}</li>`,
							)}
						</ul>`
					: null}
				<div class="row-of-buttons">
					${found.state === "pending" || found.state === "folded"
						? null
						: html`<button type="button" class="button small" onClick=${again}>
								<${Icon} name="again" size=${16} />Send again
							</button>`}
					${found.event === "notification.digest"
						? null
						: html`<a class="button small" href=${`#/events/${found.event_id}`}
								>The whole story of the event</a
							>`}
				</div>
				${redelivery.failed}
				${found.payload
					? html`<details>
							<summary>Payload</summary>
							<${Json} value=${found.payload} label="The event of this delivery" />
						</details>`
					: null}
			`}
		<//>
	</div>`;
}

/** The delivery whose message says it. @param {{id: string}} props */
function Carrier({ id }) {
	const carrier = useLoad((signal) => getDelivery(id, signal), [id], 3000);
	return html`<${Loaded} of=${carrier} lines=${1}>
		${(/** @type {DeliveryDetail} */ { event, outcome, state, created_at: at }) =>
			html`<p class="small-text">
				${event === "notification.digest"
					? "Part of a digest"
					: `A newer state came before it was sent: ${sentence(event, outcome).toLowerCase()}`},
				<${Time} at=${at} /> (${WORDS[state]}).
			</p>`}
	<//>`;
}

const VERDICTS = /** @type {Record<string, string>} */ ({
	delivered: "taken",
	accepted: "taken, to be shown later",
	retry: "to be tried again",
	wait: "asked to wait",
	rejected: "refused for good",
	disabled: "the destination is gone",
	reformed: "refused, to be sent in a plainer form",
	rebound: "moved",
	reposted: "could not be edited, so it is sent as a new message",
});

/** @param {{attempt: any}} props */
function AttemptLine({ attempt }) {
	const good = attempt.verdict === "delivered" || attempt.verdict === "accepted";
	return html`<li class=${`attempt ${good ? "good" : "bad"}`}>
		<span class="attempt-sign"><${Icon} name=${good ? "check" : "cross"} size=${14} /></span>
		<span
			><b>${VERDICTS[attempt.verdict] ?? attempt.verdict}</b>${attempt.status
				? html`${" "}<span class="mono">${attempt.status}</span>`
				: null}<span class="dim"
				>${" "}· <${Time} at=${attempt.started_at} />, took ${duration(attempt.duration_ms)}</span
			></span
		>
		${attempt.detail ? html`<span class="attempt-detail wrap">${attempt.detail}</span>` : null}
	</li>`;
}
