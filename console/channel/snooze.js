// SPDX-License-Identifier: Apache-2.0
import { endSnooze, snoozeChannel } from "../api.js";
import { snoozesOf } from "../channels/state.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";
import { Icon } from "../parts/icon.js";
import { Time } from "../parts/time.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";

const SPANS = [
	["1h", "an hour"],
	["8h", "eight hours"],
	["1d", "a day"],
	["7d", "a week"],
];

/** @param {{channel: Channel, onClose: (changed?: boolean) => void}} props */
export function SnoozeDialog({ channel, onClose }) {
	const span = useSignal("8h");
	const resource = useSignal("");
	const attempt = useTry();
	/** @param {SubmitEvent} event */
	function save(event) {
		event.preventDefault();
		attempt.run(async () => {
			await snoozeChannel(channel.id, { for: span.value, resource: resource.value.trim() || undefined });
			onClose(true);
		});
	}
	return html`<${Dialog} title=${`Snooze ${channel.name}`} onClose=${onClose}>
		<form class="dialog-form" onSubmit=${save}>
			<p>
				Nothing is sent until then, failures included, and nothing is lost. At the end one digest says what
				happened; a webhook gets every event.
			</p>
			<label class="field"
				><span class="field-name">For</span>
				<select class="input" onChange=${(/** @type {any} */ e) => (span.value = e.target.value)}>
					${SPANS.map(
						([value, name]) =>
							html`<option value=${value} selected=${value === span.value}>${name}</option>`,
					)}
				</select>
			</label>
			<label class="field"
				><span class="field-name">Only about <span class="dim">(optional)</span></span>
				<input
					class="input mono"
					name="resource"
					value=${resource}
					placeholder="cl-… or a snapshot's name"
					maxlength="256"
					spellcheck="false"
					onInput=${(/** @type {any} */ e) => (resource.value = e.target.value)}
				/>
			</label>
			${attempt.failed}
			<div class="row-of-buttons end">
				<button type="button" class="button" onClick=${onClose}>Cancel</button>
				<button class="button primary" disabled=${attempt.busy}>Snooze</button>
			</div>
		</form>
	<//>`;
}

/** What is snoozed now, each with the button that ends it. @param {{channel: Channel, onChanged: () => void}} props */
export function Snoozes({ channel, onChanged }) {
	const attempt = useTry();
	return html`${snoozesOf(channel).map(
		({ resource, until }) =>
			html`<div class="notice busy">
				<${Icon} name="pause" />
				<p class="notice-text">
					${resource ? html`<span class="mono wrap">${resource}</span> is snoozed` : "Snoozed"} until
					<${Time} at=${until} as="until" />.
				</p>
				<button
					type="button"
					class="button small"
					onClick=${() => attempt.run(() => endSnooze(channel.id, resource).then(onChanged))}
				>
					End the snooze${resource ? html`<span class="sr"> of ${resource}</span>` : null}
				</button>
			</div>`,
	)}${attempt.failed}`;
}
