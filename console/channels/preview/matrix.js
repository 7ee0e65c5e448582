// SPDX-License-Identifier: Apache-2.0
import { html } from "../../html.js";
import { HtmlText } from "./html_text.js";

/** @param {{body: any}} props */
export function MatrixMessage({ body: sent }) {
	// An edit is shown as the new content, without the words for clients that know no edits.
	const body = sent["m.new_content"] ?? sent;
	return html`<div class="msg-body matrix">
		${body.formatted_body
			? html`<${HtmlText} source=${body.formatted_body} />`
			: html`<p class="msg-lines">${body.body}</p>`}
	</div>`;
}
