// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

/** The sign of the console. @param {{size?: number}} props */
export function Mark({ size = 28 }) {
	return html`<svg class="mark" width=${size} height=${size} viewBox="0 0 32 32" aria-hidden="true">
		<rect width="32" height="32" rx="8" class="mark-ground" />
		<path
			d="M5 9.5 11 23l5-10 5 10 6-15"
			fill="none"
			stroke="#fff"
			stroke-width="3.2"
			stroke-linecap="round"
			stroke-linejoin="round"
		/>
		<circle cx="27" cy="8" r="2.6" class="mark-eye" />
	</svg>`;
}
