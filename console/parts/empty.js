// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { Icon } from "./icon.js";

/** Nothing to show, and what to do next. @param {{icon: string, title: string, children?: any}} props */
export function Empty({ icon, title, children }) {
	return html`<div class="empty">
		<span class="empty-icon"><${Icon} name=${icon} size=${24} /></span>
		<h2>${title}</h2>
		<div class="empty-text">${children}</div>
	</div>`;
}
