// SPDX-License-Identifier: Apache-2.0
import { DeliveryDetail } from "../channel/delivery.js";
import { html } from "../html.js";
import { messageOf } from "../parts/failure.js";
import { Pill } from "../parts/pill.js";
import { Time } from "../parts/time.js";
import { useSignal } from "../vendor/signals.js";

/** @typedef {Explanation["channels"][number]} Verdict */

/** Word, tone and sentence of each verdict. @type {Record<string, ["good" | "bad" | "busy" | "off", string, string]>} */
const VERDICTS = {
	delivered: ["good", "delivered", "It was sent and accepted."],
	pending: ["busy", "waiting", "It will be sent: see the attempts."],
	held: ["busy", "held", "It is held for quiet hours or by a snooze."],
	failed: ["bad", "failed", "It was given up. It can be sent again."],
	dropped: ["off", "dropped", "It was not sent: somebody skipped the backlog, or it was too long."],
	folded: ["good", "in another message", "Another message says it: a digest, or a newer state of the resource."],
	not_subscribed: ["off", "not subscribed", "The channel is not subscribed to this kind of event."],
	filtered: ["off", "filtered", "The channel's filter keeps it out."],
	follow_up: ["off", "sent before", "The channel sent the request when it was accepted."],
	accept: ["off", "sent later", "The channel sends it when it is done."],
	repeat: ["off", "a repeat", "The same event was sent within the minute before."],
	not_expected: ["off", "no longer expected", "It was reported before, or the rule was changed."],
	channel_newer: ["off", "channel is newer", "The channel was made after the event."],
	disabled: ["off", "disabled", "It waits until the channel is enabled."],
	unknown: ["off", "no record", "Nothing of it is kept now."],
};

/** For each channel whether it sent the event, and if not, why. @param {{channels: Verdict[]}} props */
export function Verdicts({ channels }) {
	if (!channels.length) {
		return html`<p class="dim">
			The team has no channel. <a href="#/channels/new">Connect one</a>, and the next such event is sent there.
		</p>`;
	}
	return html`<ul class="verdicts">
		${channels.map((channel) => html`<${VerdictLine} key=${channel.channel_id} of=${channel} />`)}
	</ul>`;
}

/** @param {{of: Verdict}} props */
function VerdictLine({ of }) {
	const open = useSignal(false);
	const [tone, word, why] = VERDICTS[of.verdict] ?? ["off", of.verdict, ""];
	return html`<li class="verdict">
		<div class="verdict-line">
			<${Pill} tone=${tone}>${word}<//>
			<div class="grow">
				<a href=${`#/channels/${of.channel_id}`}><b>${of.name}</b></a>
				<p class="small-text">
					<bdi>${of.detail ? messageOf(of.detail) : why}</bdi>${" "}${of.delivered_at
						? html`<span class="dim"><${Time} at=${of.delivered_at} /></span>`
						: null}
				</p>
			</div>
			${of.delivery_id
				? html`<button
						type="button"
						class="button small"
						aria-expanded=${open.value}
						onClick=${() => (open.value = !open.value)}
					>
						${open.value ? "Hide the attempts" : "Attempts"}
					</button>`
				: null}
		</div>
		${open.value && of.delivery_id ? html`<${DeliveryDetail} id=${of.delivery_id} version=${of.verdict} />` : null}
	</li>`;
}
