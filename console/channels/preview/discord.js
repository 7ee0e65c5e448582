// SPDX-License-Identifier: Apache-2.0
import { html } from "../../html.js";
import { Time } from "../../parts/time.js";

/** Discord shows a character after a backslash as it is. @param {unknown} text */
const plain = (text) => String(text ?? "").replace(/\\([\\*_~|>#\-+[\]()<@`:./!])/g, "$1");

/**
 * Text with Discord's own times, which each reader sees in his zone. An escaped one is text.
 * @param {{text: unknown}} props
 */
function Text({ text }) {
	return String(text ?? "")
		.split(/((?<!\\)<t:\d+:[fR]>)/)
		.map((part) => {
			const time = /^<t:(\d+):([fR])>$/.exec(part);
			if (!time) return plain(part);
			return html`<span class="discord-time"
				><${Time} at=${new Date(Number(time[1]) * 1000)} as=${time[2] === "R" ? "ago" : "day"}
			/></span>`;
		});
}

/** @param {{embed: any}} props */
function Embed({ embed }) {
	const colour = `#${Number(embed.color ?? 0)
		.toString(16)
		.padStart(6, "0")}`;
	return html`<div class="discord-embed" style=${{ borderColor: colour }}>
		<p class=${`discord-title${embed.url ? " linked" : ""}`} title=${embed.url}><${Text} text=${embed.title} /></p>
		${embed.description ? html`<p class="msg-lines"><${Text} text=${embed.description} /></p>` : null}
		<div class="discord-fields">
			${(embed.fields ?? []).map(
				(/** @type {any} */ field) =>
					html`<div class=${field.inline ? "" : "whole"}>
						<b>${plain(field.name)}</b>
						<p class="msg-lines"><${Text} text=${field.value} /></p>
					</div>`,
			)}
		</div>
		${embed.footer ? html`<p class="discord-foot">${plain(embed.footer.text)}</p>` : null}
		${embed.timestamp
			? html`<p class="discord-foot">${new Date(embed.timestamp).toLocaleString("en-GB")}</p>`
			: null}
	</div>`;
}

/** @param {{body: any}} props */
export function DiscordMessage({ body }) {
	return html`<div class="msg-body">
		${body.content ? html`<p class="msg-lines">${plain(body.content)}</p>` : null}${(body.embeds ?? []).map(
			(/** @type {any} */ embed) => html`<${Embed} embed=${embed} />`,
		)}
	</div>`;
}
