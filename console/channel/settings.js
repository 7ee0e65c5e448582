// SPDX-License-Identifier: Apache-2.0
// New settings for a channel that exists. What is stored is never shown, so all must be given again.
import { replaceConfig } from "../api.js";
import { ConfigFields, wholeConfig } from "../channels/config_fields.js";
import { optionsOf } from "../channels/options_fields.js";
import { PreviewPane } from "../channels/preview/pane.js";
import { TestButton } from "../channels/test_button.js";
import { html } from "../html.js";
import { Icon } from "../parts/icon.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";

/** @param {{channel: Channel}} props */
export function SettingsPage({ channel }) {
	const config = useSignal(/** @type {Record<string, string>} */ ({}));
	const wrong = useSignal(/** @type {{field?: string, message: string} | null} */ (null));
	const warnings = useSignal(/** @type {string[]} */ ([]));
	const attempt = useTry();
	const done = useSignal(false);
	const provider = /** @type {Provider} */ (channel.provider);
	const isWebhook = provider === "webhook";
	const whole = wholeConfig(provider, config.value);
	// A webhook keeps what is not given.
	const given = isWebhook && !whole && config.value.secret ? { secret: config.value.secret } : whole;
	/** @param {SubmitEvent} event */
	function save(event) {
		event.preventDefault();
		if (!given) return;
		const overlap_s = isWebhook && given.secret ? 86_400 : undefined;
		attempt.run(async () => {
			await replaceConfig(channel.id, { config: given, overlap_s });
			done.value = true;
		});
	}
	return html`<div class="page">
		<header class="page-head">
			<div>
				<a class="crumb" href=${`#/channels/${channel.id}`}
					><${Icon} name="back" size=${14} />${channel.name}</a
				>
				<h1>Replace the settings</h1>
				<p class="lead">
					What is stored is never shown.
					${isWebhook ? "Leave a field empty to keep its value." : "Give all of it again."}
				</p>
			</div>
		</header>
		<div class="create">
			<form class="create-form" onSubmit=${save}>
				<section class="card card-pad">
					<${ConfigFields}
						provider=${provider}
						config=${config.value}
						wrong=${wrong.value}
						warnings=${warnings.value}
						onChange=${(/** @type {any} */ value) => (config.value = value)}
					/>
					${isWebhook && config.value.secret
						? html`<p class="field-help">
								The old secret stays valid for a day: requests are signed with both meanwhile.
							</p>`
						: null}
				</section>
				${attempt.failed}
				${done.value
					? html`<div class="notice good" role="status">
							<${Icon} name="check" />
							<p class="notice-text">
								Replaced. What is sent from now on uses the new settings.
								${channel.disabled
									? html`<a href=${`#/channels/${channel.id}`}>Now enable the channel</a>.`
									: ""}
							</p>
						</div>`
					: null}
				<div class="create-actions">
					<button class="button primary" disabled=${attempt.busy || !given}>Replace the settings</button>
					<${TestButton} name=${channel.name} provider=${provider} config=${whole} />
				</div>
			</form>
			<div class="create-side">
				<${PreviewPane}
					provider=${provider}
					config=${whole}
					kinds=${channel.events}
					options=${optionsOf(channel)}
					onChecked=${(/** @type {any} */ found, /** @type {string[]} */ warned) => {
						wrong.value = found;
						warnings.value = warned;
					}}
				/>
			</div>
		</div>
	</div>`;
}
