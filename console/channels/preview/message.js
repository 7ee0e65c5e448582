// SPDX-License-Identifier: Apache-2.0
// A message as its product shows it, drawn from the bytes that would be sent.
import { html } from "../../html.js";
import { Mark } from "../../parts/mark.js";
import { providerInfo } from "../providers.js";
import { DiscordMessage } from "./discord.js";
import { GoogleChatMessage } from "./googlechat.js";
import { MatrixMessage } from "./matrix.js";
import { SlackMessage } from "./slack.js";
import { TeamsMessage } from "./teams.js";
import { TelegramMessage } from "./telegram.js";
import { WebhookMessage } from "./webhook.js";

/** @type {Record<string, (props: any) => any>} */
const DRAWN = {
	slack: SlackMessage,
	discord: DiscordMessage,
	teams: TeamsMessage,
	googlechat: GoogleChatMessage,
	telegram: TelegramMessage,
	matrix: MatrixMessage,
};

const TAGS = { slack: "APP", discord: "APP", teams: "", googlechat: "App", telegram: "bot", matrix: "" };

/** @param {{preview: Preview}} props */
export function Message({ preview }) {
	const { provider } = preview;
	const body = JSON.parse(preview.body);
	if (provider === "webhook") return html`<${WebhookMessage} body=${body} contentType=${preview.content_type} />`;
	const Body = DRAWN[provider];
	return html`<div
		class=${`msg msg-${provider}`}
		role="group"
		aria-label=${`The message in ${providerInfo(provider).name}`}
	>
		<div class="msg-avatar"><${Mark} size=${36} /></div>
		<div class="msg-main">
			<p class="msg-who">
				<b>Wrenn</b>${TAGS[provider] ? html`<span class="msg-tag">${TAGS[provider]}</span>` : null}<span
					class="msg-time"
					>now</span
				>
			</p>
			<${Body} body=${body} />
		</div>
	</div>`;
}
