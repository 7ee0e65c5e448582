// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { Copy } from "./copy.js";

/** A text to copy, in lines as it is. @param {{text: string, label?: string}} props */
export function Code({ text, label = "Code" }) {
	return html`<div class="code-box">
		<pre class="code" tabindex="0" role="region" aria-label=${label}>${text}</pre>
		<div class="code-copy"><${Copy} text=${text} /></div>
	</div>`;
}
