// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(true|false|null|-?\d[\d.eE+-]*)/g;

/** @param {string} text @returns {any[]} */
function coloured(text) {
	/** @type {any[]} */
	const parts = [];
	let end = 0;
	for (const found of text.matchAll(TOKEN)) {
		parts.push(text.slice(end, found.index));
		const [whole, string, colon] = found;
		if (colon) parts.push(html`<span class="json-key">${string}</span>`, colon);
		else parts.push(html`<span class=${string ? "json-text" : "json-value"}>${whole}</span>`);
		end = found.index + whole.length;
	}
	parts.push(text.slice(end));
	return parts;
}

/** A value as JSON in colours. @param {{value: unknown, label?: string}} props */
export function Json({ value, label = "JSON" }) {
	return html`<pre class="code json" tabindex="0" role="region" aria-label=${label}>
${coloured(JSON.stringify(value, null, 2))}</pre
	>`;
}
