// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

/** A box with its name and what it does. @param {{name: string, title: string, help: string, checked: boolean, onChange: (wanted: boolean) => void}} props */
export function Check({ name, title, help, checked, onChange }) {
	return html`<label class="kind">
		<input
			type="checkbox"
			name=${name}
			checked=${checked}
			onChange=${(/** @type {any} */ e) => onChange(e.target.checked)}
		/>
		<span><b>${title}</b><span class="dim">${help}</span></span>
	</label>`;
}
