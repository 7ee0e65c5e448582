// SPDX-License-Identifier: Apache-2.0
import { updateChannel } from "../api.js";
import { KindsField } from "../channels/kinds_field.js";
import { OptionsFields, optionsOf } from "../channels/options_fields.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";

/** @param {{channel: Channel, onClose: (changed?: boolean) => void}} props */
export function EditDialog({ channel, onClose }) {
	const name = useSignal(channel.name);
	const events = useSignal(channel.events);
	const options = useSignal(optionsOf(channel));
	const attempt = useTry();
	/** @param {SubmitEvent} event */
	function save(event) {
		event.preventDefault();
		attempt.run(async () => {
			await updateChannel(channel.id, { name: name.value, events: events.value, ...options.value });
			onClose(true);
		});
	}
	return html`<${Dialog} title="Edit the channel" onClose=${onClose}>
		<form class="dialog-form" onSubmit=${save}>
			<label class="field"
				><span class="field-name">Name</span
				><input
					class="input"
					name="name"
					value=${name}
					maxlength="64"
					onInput=${(/** @type {any} */ e) => (name.value = e.target.value)}
			/></label>
			<${KindsField}
				chosen=${events.value}
				onChange=${(/** @type {string[]} */ kinds) => (events.value = kinds)}
			/>
			<${OptionsFields}
				options=${options.value}
				self=${channel.id}
				onChange=${(/** @type {any} */ value) => (options.value = value)}
			/>
			${attempt.failed}
			<div class="row-of-buttons end">
				<button type="button" class="button" onClick=${onClose}>Cancel</button>
				<button class="button primary" disabled=${attempt.busy || !events.value.length}>Save</button>
			</div>
		</form>
	<//>`;
}
