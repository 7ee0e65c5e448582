// SPDX-License-Identifier: Apache-2.0
import { html } from "../../html.js";
import { HtmlText } from "./html_text.js";

/** @param {{body: any}} props */
export function TelegramMessage({ body }) {
	return html`<div class="telegram-bubble msg-lines">
		${body.parse_mode === "HTML" ? html`<${HtmlText} source=${body.text} />` : body.text}
	</div>`;
}
