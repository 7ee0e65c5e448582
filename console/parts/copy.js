// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { Icon } from "./icon.js";

/** A button that copies a text. @param {{text: string, label?: string}} props */
export function Copy({ text, label = "Copy" }) {
	const said = useSignal("");
	async function copy() {
		try {
			await navigator.clipboard.writeText(text);
			said.value = "Copied";
		} catch {
			said.value = "Select it and press Ctrl-C";
		}
		setTimeout(() => (said.value = ""), 2000);
	}
	return html`<button type="button" class="button small quiet" onClick=${copy}>
		<${Icon} name=${said.value === "Copied" ? "check" : "copy"} size=${16} /><span aria-live="polite"
			>${said.value || label}</span
		>
	</button>`;
}
