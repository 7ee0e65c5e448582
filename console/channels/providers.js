// SPDX-License-Identifier: Apache-2.0
// The seven providers: what they are called, what they need, and where in each product it is found.

/**
 * @typedef {object} Field
 * @property {string} name as the API has it
 * @property {string} label
 * @property {string} example
 * @property {boolean} [optional]
 * @property {string} [help]
 */
/**
 * @typedef {object} ProviderInfo
 * @property {Provider} provider
 * @property {string} name
 * @property {Field[]} fields
 * @property {string[]} steps where what it needs is found
 */

/** @param {string} example @returns {Field[]} */
const url = (example) => [{ name: "webhook_url", label: "Webhook URL", example }];

/** @type {ProviderInfo[]} */
export const PROVIDERS = [
	{
		provider: "slack",
		name: "Slack",
		fields: url("https://hooks.slack.com/services/T…/B…/…"),
		steps: [
			"At api.slack.com/apps, create an app from scratch for your workspace.",
			"Features → Incoming Webhooks: switch it on.",
			"Add New Webhook to Workspace, choose the channel, copy the webhook URL.",
		],
	},
	{
		provider: "discord",
		name: "Discord",
		fields: url("https://discord.com/api/webhooks/…/…"),
		steps: [
			"Open the channel's settings (the cog beside its name).",
			"Integrations → Webhooks → New Webhook.",
			"Copy Webhook URL.",
		],
	},
	{
		provider: "teams",
		name: "Microsoft Teams",
		fields: url("https://….logic.azure.com/workflows/…/triggers/manual/paths/invoke?…"),
		steps: [
			"Beside the channel's name: ⋯ → Workflows.",
			"Choose “Post to a channel when a webhook request is received” and add it.",
			"Copy the URL that is shown at the end. The flow belongs to you: it stops when your account goes.",
		],
	},
	{
		provider: "googlechat",
		name: "Google Chat",
		fields: url("https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…"),
		steps: [
			"Open the space, and the menu at its name.",
			"Apps & integrations → Webhooks → Add webhook.",
			"Give it a name, save, and copy its link.",
		],
	},
	{
		provider: "telegram",
		name: "Telegram",
		fields: [
			{ name: "bot_token", label: "Bot token", example: "123456789:AAE…" },
			{ name: "chat_id", label: "Chat id", example: "-1001234567890 or @channelname" },
		],
		steps: [
			"Write /newbot to @BotFather and copy the token it gives you.",
			"Add the bot to the group or channel; in a channel it must be an administrator.",
			"Write to the bot, then open https://api.telegram.org/bot<token>/getUpdates: it has the chat's id. A public channel is @its_name.",
		],
	},
	{
		provider: "matrix",
		name: "Matrix",
		fields: [
			{ name: "homeserver_url", label: "Homeserver", example: "https://matrix.example.org" },
			{ name: "access_token", label: "Access token", example: "syt_…" },
			{ name: "room_id", label: "Room id", example: "!abc:example.org" },
		],
		steps: [
			"Make a user for the bot, and invite it to the room; accept with that user.",
			"Its access token: Element → All settings → Help & About → Advanced.",
			"The room's id: Room settings → Advanced → Internal room ID. The room must not be encrypted.",
		],
	},
	{
		provider: "webhook",
		name: "Webhook",
		fields: [
			{ name: "url", label: "URL", example: "https://example.com/hooks/wrenn" },
			{
				name: "secret",
				label: "Secret",
				example: "leave empty for a random one",
				optional: true,
				help: "Every request is signed with it. A random one is shown once, after saving.",
			},
		],
		steps: [
			"Any HTTPS address that answers 2xx to a POST within ten seconds.",
			"Check the signature, so that nobody else can call you; after saving you get the code for it.",
		],
	},
];

const BY_NAME = new Map(PROVIDERS.map((provider) => [/** @type {string} */ (provider.provider), provider]));

/** @param {string} provider */
export const providerInfo = (provider) => BY_NAME.get(provider) ?? { provider, name: provider, fields: [], steps: [] };
