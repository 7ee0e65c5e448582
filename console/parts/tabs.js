// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

/**
 * One of a few, each a button.
 * @param {{label: string, options: readonly string[], chosen: string, onChoose: (option: string) => void}} props
 */
export function Tabs({ label, options, chosen, onChoose }) {
	return html`<div class="tabs" role="group" aria-label=${label}>
		${options.map(
			(one) =>
				html`<button type="button" class="tab" aria-pressed=${one === chosen} onClick=${() => onChoose(one)}>
					${one}
				</button>`,
		)}
	</div>`;
}
