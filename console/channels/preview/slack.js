// SPDX-License-Identifier: Apache-2.0
import { html } from "../../html.js";
import { Time } from "../../parts/time.js";

/** @param {string} text */
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** Slack's own markup: *bold* and <link|words>. @param {{text: string}} props */
function Mrkdwn({ text }) {
	return text.split(/(\*[^*\n]+\*|<[^<>\n]+\|[^<>\n]+>)/).map((part) => {
		if (/^\*.*\*$/.test(part)) return html`<b>${plain(part.slice(1, -1))}</b>`;
		const date = /^<!date\^(\d+)\^/.exec(part);
		if (date) return html`<${Time} at=${new Date(Number(date[1]) * 1000)} />`;
		const link = /^<(.+)\|(.+)>$/.exec(part);
		return link ? html`<span class="msg-link" title=${plain(link[1])}>${plain(link[2])}</span>` : plain(part);
	});
}

/** @param {{of: any}} props */
function Text({ of }) {
	return of.type === "mrkdwn" ? html`<${Mrkdwn} text=${of.text} />` : html`${plain(of.text)}`;
}

/** @param {{block: any}} props */
function Block({ block }) {
	if (block.type === "context")
		return html`<p class="slack-context">
			${block.elements.map((/** @type {any} */ of) => html`<${Text} of=${of} />`)}
		</p>`;
	if (block.type !== "section") return null;
	return html`<div>
		${block.text ? html`<p class="msg-lines"><${Text} of=${block.text} /></p>` : null}
		${block.fields
			? html`<div class="slack-fields">
					${block.fields.map(
						(/** @type {any} */ of) => html`<div class="msg-lines"><${Text} of=${of} /></div>`,
					)}
				</div>`
			: null}
	</div>`;
}

/** @param {{body: any}} props */
export function SlackMessage({ body }) {
	return html`<div class="msg-body">
		<p class="msg-lines">${plain(body.text ?? "")}</p>
		${(body.attachments ?? []).map(
			(/** @type {any} */ { color, blocks }) =>
				html`<div class="slack-attachment" style=${{ borderColor: color }}>
					${(blocks ?? []).map((/** @type {any} */ block) => html`<${Block} block=${block} />`)}
				</div>`,
		)}
	</div>`;
}
