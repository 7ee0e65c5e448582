// SPDX-License-Identifier: Apache-2.0
import { enableChannel } from "../api.js";
import { count } from "../format.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";

/** @param {{channel: Channel, health: Health | undefined, onClose: (changed?: boolean) => void}} props */
export function EnableDialog({ channel, health, onClose }) {
	const backlog = useSignal(/** @type {"deliver" | "skip"} */ ("deliver"));
	const attempt = useTry();
	const pending = health?.backlog.pending ?? 0;
	/** @param {SubmitEvent} event */
	function save(event) {
		event.preventDefault();
		attempt.run(async () => {
			await enableChannel(channel.id, backlog.value);
			onClose(true);
		});
	}
	return html`<${Dialog} title=${`Enable ${channel.name}`} onClose=${onClose}>
		<form class="dialog-form" onSubmit=${save}>
			<p>
				${pending
					? `${count(pending, "delivery waits", "deliveries wait")}. What should happen to ${pending === 1 ? "it" : "them"}?`
					: "Nothing waits. New events are sent from now on."}
			</p>
			${pending
				? html`<fieldset class="choices">
						<legend class="sr">What waits</legend>
						<label class="choice"
							><input
								type="radio"
								name="backlog"
								checked=${backlog.value === "deliver"}
								onChange=${() => (backlog.value = "deliver")}
							/><span
								><b>Deliver what waits</b
								><span class="dim">oldest first; many become one digest</span></span
							></label
						>
						<label class="choice"
							><input
								type="radio"
								name="backlog"
								checked=${backlog.value === "skip"}
								onChange=${() => (backlog.value = "skip")}
							/><span
								><b>Skip it</b
								><span class="dim"
									>only what happens from now on is sent; the list keeps them as dropped</span
								></span
							></label
						>
					</fieldset>`
				: null}
			${attempt.failed}
			<div class="row-of-buttons end">
				<button type="button" class="button" onClick=${onClose}>Cancel</button>
				<button class="button primary" disabled=${attempt.busy}>Enable</button>
			</div>
		</form>
	<//>`;
}
