// SPDX-License-Identifier: Apache-2.0
import { recover } from "../api.js";
import { count } from "../format.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";
import { Icon } from "../parts/icon.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";

const SINCE = [
	["1h", "the last hour"],
	["24h", "the last day"],
	["3d", "the last three days"],
	["7d", "the last seven days"],
];

/** @param {{channel: Channel, onClose: (changed?: boolean) => void}} props */
export function RecoverDialog({ channel, onClose }) {
	const since = useSignal("24h");
	const state = useSignal("");
	const done = useSignal(/** @type {{requeued: number, more: boolean} | null} */ (null));
	const attempt = useTry();
	/** @param {SubmitEvent} event */
	function send(event) {
		event.preventDefault();
		const chosen = /** @type {"failed" | "dropped" | undefined} */ (state.value || undefined);
		attempt.run(async () => (done.value = await recover(channel.id, { since: since.value, state: chosen })));
	}
	return html`<${Dialog} title="Send a range again" onClose=${() => onClose(done.value !== null)}>
		<form class="dialog-form" onSubmit=${send}>
			<p>
				What failed or was dropped goes out again, oldest first, under its old ids, so that receivers can tell
				it from new events.
			</p>
			<label class="field"
				><span class="field-name">Period</span>
				<select class="input" onChange=${(/** @type {any} */ e) => (since.value = e.target.value)}>
					${SINCE.map(
						([value, name]) =>
							html`<option value=${value} selected=${value === since.value}>${name}</option>`,
					)}
				</select>
			</label>
			<label class="field"
				><span class="field-name">Which</span>
				<select class="input" onChange=${(/** @type {any} */ e) => (state.value = e.target.value)}>
					<option value="">failed and dropped</option>
					<option value="failed">failed only</option>
					<option value="dropped">dropped only</option>
				</select>
			</label>
			${attempt.failed}
			${done.value
				? html`<div class="notice good" role="status">
						<${Icon} name="check" />
						<p class="notice-text">
							${count(done.value.requeued, "delivery waits", "deliveries wait")} to be
							sent.${done.value.more ? " Some are left: send again." : ""}
						</p>
					</div>`
				: null}
			<div class="row-of-buttons end">
				<button type="button" class="button" onClick=${() => onClose(done.value !== null)}>Close</button>
				<button class="button primary" disabled=${attempt.busy}>Send again</button>
			</div>
		</form>
	<//>`;
}
