// SPDX-License-Identifier: Apache-2.0
import { html } from "../../html.js";

/** @param {{run: any}} props */
function Run({ run }) {
	const style = [
		run.weight === "Bolder" && "bold",
		run.size === "Large" && "large",
		run.color && `teams-${run.color.toLowerCase()}`,
	];
	return html`<span class=${style.filter(Boolean).join(" ")}>${run.text}</span>`;
}

/** @param {{item: any}} props */
function Item({ item }) {
	if (item.type === "RichTextBlock")
		return html`<p class="msg-lines">
			${item.inlines.map((/** @type {any} */ run) => html`<${Run} run=${run} />`)}
		</p>`;
	return item.text ? html`<p class="msg-lines">${item.text}</p>` : null;
}

/** An Adaptive Card. @param {{body: any}} props */
export function TeamsMessage({ body }) {
	return html`<div class="msg-body">
		${(body.attachments ?? []).map(
			(/** @type {any} */ { content }) =>
				html`<div class="teams-card">
					${(content.body ?? []).map((/** @type {any} */ item) => html`<${Item} item=${item} />`)}
					${(content.actions ?? []).map(
						(/** @type {any} */ action) =>
							html`<span class="msg-button" title=${action.url}>${action.title}</span>`,
					)}
				</div>`,
		)}
	</div>`;
}
