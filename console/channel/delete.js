// SPDX-License-Identifier: Apache-2.0
import { go } from "../address.js";
import { deleteChannel } from "../api.js";
import { count } from "../format.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";
import { useTry } from "../parts/try.js";

/** @param {{channel: Channel, health: Health | undefined, onClose: () => void}} props */
export function DeleteDialog({ channel, health, onClose }) {
	const attempt = useTry();
	const pending = health?.backlog.pending ?? 0;
	/** @param {SubmitEvent} event */
	function remove(event) {
		event.preventDefault();
		attempt.run(async () => {
			await deleteChannel(channel.id);
			go("channels");
		});
	}
	return html`<${Dialog} title=${`Delete ${channel.name}?`} onClose=${onClose}>
		<form class="dialog-form" onSubmit=${remove}>
			<p>This is lost:</p>
			<ul class="bullets">
				<li>
					its settings: you will need the
					${channel.provider === "webhook" ? "URL and a new secret" : "credentials"} to connect it again
				</li>
				<li>its list of deliveries and attempts</li>
				${pending
					? html`<li><b>${count(pending, "delivery that waits", "deliveries that wait")}</b>: never sent</li>`
					: null}
			</ul>
			<p>The audit trail stays.</p>
			${attempt.failed}
			<div class="row-of-buttons end">
				<button type="button" class="button" onClick=${onClose}>Keep it</button>
				<button class="button danger" disabled=${attempt.busy}>Delete it</button>
			</div>
		</form>
	<//>`;
}
