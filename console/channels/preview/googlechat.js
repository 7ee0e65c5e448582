// SPDX-License-Identifier: Apache-2.0
import { html } from "../../html.js";
import { HtmlText } from "./html_text.js";

/** @param {{widget: any}} props */
function Widget({ widget }) {
	if (widget.textParagraph) return html`<p class="msg-lines"><${HtmlText} source=${widget.textParagraph.text} /></p>`;
	if (widget.decoratedText) {
		return html`<div>
			<p class="google-label">${widget.decoratedText.topLabel}</p>
			<p class="msg-lines"><${HtmlText} source=${widget.decoratedText.text} /></p>
		</div>`;
	}
	return (widget.buttonList?.buttons ?? []).map(
		(/** @type {any} */ button) =>
			html`<span class="msg-button round" title=${button.onClick?.openLink?.url}>${button.text}</span>`,
	);
}

/** A card of version 2. @param {{body: any}} props */
export function GoogleChatMessage({ body }) {
	return html`<div class="msg-body">
		${body.text ? html`<p class="msg-lines">${body.text}</p>` : null}
		${(body.cardsV2 ?? []).map(
			(/** @type {any} */ { card }) =>
				html`<div class="google-card">
					<p class="google-head">${card.header?.title}</p>
					${(card.sections ?? [])
						.flatMap((/** @type {any} */ section) => section.widgets ?? [])
						.map((/** @type {any} */ widget) => html`<${Widget} widget=${widget} />`)}
				</div>`,
		)}
	</div>`;
}
