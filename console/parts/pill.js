// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

/**
 * A state in one word, with a sign that does not need colour.
 * @param {{tone: "good" | "bad" | "busy" | "off", children?: any}} props
 */
export function Pill({ tone, children }) {
	return html`<span class=${`pill ${tone}`}><span class="pill-dot" aria-hidden="true"></span>${children}</span>`;
}
