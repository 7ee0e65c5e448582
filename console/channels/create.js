// SPDX-License-Identifier: Apache-2.0
import { ApiError, createChannel } from "../api.js";
import { html } from "../html.js";
import { Failure, messageOf } from "../parts/failure.js";
import { Icon } from "../parts/icon.js";
import { useSignal } from "../vendor/signals.js";
import { ConfigFields, wholeConfig } from "./config_fields.js";
import { KindsField } from "./kinds_field.js";
import { OptionsFields } from "./options_fields.js";
import { PreviewPane } from "./preview/pane.js";
import { PROVIDERS } from "./providers.js";
import { Saved } from "./saved.js";
import { TestButton } from "./test_button.js";
import { Tile } from "./tile.js";

const USUAL = ["capsule.create", "capsule.destroy", "template.snapshot.create", "host.down"];

export function CreatePage() {
	const provider = useSignal(/** @type {Provider} */ ("slack"));
	const config = useSignal(/** @type {Record<string, string>} */ ({}));
	const events = useSignal(USUAL);
	const options = useSignal(/** @type {SetOptions} */ ({}));
	const name = useSignal("");
	const wrong = useSignal(/** @type {{field?: string, message: string} | null} */ (null));
	const warnings = useSignal(/** @type {string[]} */ ([]));
	const failure = useSignal(/** @type {unknown} */ (null));
	const busy = useSignal(false);
	const saved = useSignal(/** @type {NewChannel | null} */ (null));
	const whole = wholeConfig(provider.value, config.value);
	const channelName = name.value || `${provider.value}-alerts`;

	/** @param {SubmitEvent} event */
	async function save(event) {
		event.preventDefault();
		if (!whole) {
			failure.value = new Error(
				`Fill in what ${provider.value === "webhook" ? "the webhook" : "the provider"} needs first: see step 2.`,
			);
			return;
		}
		busy.value = true;
		failure.value = null;
		try {
			const kinds = /** @type {any} */ (events.value);
			saved.value = await createChannel({
				name: channelName,
				provider: provider.value,
				config: whole,
				events: kinds,
				...options.value,
			});
		} catch (error) {
			failure.value = error;
			if (error instanceof ApiError && error.field) wrong.value = { field: error.field, message: error.message };
		}
		busy.value = false;
	}

	if (saved.value) return html`<${Saved} channel=${saved.value} />`;
	return html`<div class="page">
		<header class="page-head">
			<div>
				<a class="crumb" href="#/channels"><${Icon} name="back" size=${14} />Channels</a>
				<h1>Connect a channel</h1>
			</div>
		</header>
		<div class="create">
			<form class="create-form" onSubmit=${save}>
				<${Step} number="1" title="Where should messages go?">
					<${ProviderChoice} chosen=${provider.value} onChoose=${choose} />
				<//>
				<${Step} number="2" title="How to reach it">
					<${ConfigFields}
						provider=${provider.value}
						config=${config.value}
						wrong=${wrong.value}
						warnings=${warnings.value}
						onChange=${(/** @type {any} */ value) => (config.value = value)}
					/>
				<//>
				<${Step} number="3" title="Which events?">
					<${KindsField}
						chosen=${events.value}
						onChange=${(/** @type {string[]} */ kinds) => (events.value = kinds)}
					/>
					<${OptionsFields}
						options=${options.value}
						onChange=${(/** @type {any} */ value) => (options.value = value)}
					/>
				<//>
				<${Step} number="4" title="A name for the channel">
					<div class="field">
						<label class="sr" for="name">Name</label>
						<input
							id="name"
							class="input"
							name="name"
							value=${name}
							placeholder=${`${provider.value}-alerts`}
							maxlength="64"
							autocomplete="off"
							onInput=${(/** @type {any} */ e) => (name.value = e.target.value)}
						/>
						<p class="field-help">
							Small letters, digits, dots and hyphens; capitals and spaces are changed for you.
						</p>
						${wrong.value?.field === "name"
							? html`<p class="field-wrong">
									<${Icon} name="warn" size=${16} /><span>${messageOf(wrong.value.message)}</span>
								</p>`
							: null}
					</div>
				<//>
				${failure.value ? html`<${Failure} error=${failure.value} />` : null}
				<div class="create-actions">
					<button class="button primary" disabled=${busy.value || !events.value.length}>
						${busy.value ? "Saving …" : "Save the channel"}
					</button>
					<${TestButton} name=${channelName} provider=${provider.value} config=${whole} />
					${events.value.length
						? null
						: html`<span class="dim small-text">Choose at least one kind of event.</span>`}
				</div>
			</form>
			<div class="create-side">
				<${PreviewPane}
					provider=${provider.value}
					config=${whole}
					kinds=${events.value}
					options=${options.value}
					onChecked=${(/** @type {any} */ found, /** @type {string[]} */ warned) => {
						wrong.value = found;
						warnings.value = warned;
					}}
				/>
			</div>
		</div>
	</div>`;

	/** @param {Provider} chosen */
	function choose(chosen) {
		provider.value = chosen;
		config.value = {};
		wrong.value = null;
		failure.value = null;
	}
}

/** @param {{number: string, title: string, children?: any}} props */
function Step({ number, title, children }) {
	return html`<section class="card card-pad step">
		<h2><span class="step-number" aria-hidden="true">${number}</span>${title}</h2>
		${children}
	</section>`;
}

/** @param {{chosen: string, onChoose: (provider: Provider) => void}} props */
function ProviderChoice({ chosen, onChoose }) {
	return html`<div class="provider-choice" role="radiogroup" aria-label="Provider">
		${PROVIDERS.map(
			(info) =>
				html`<label class="provider">
					<input
						type="radio"
						name="provider"
						value=${info.provider}
						checked=${info.provider === chosen}
						onChange=${() => onChoose(info.provider)}
					/>
					<${Tile} provider=${info.provider} /><span>${info.name}</span>
				</label>`,
		)}
	</div>`;
}
