// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { messageOf } from "../parts/failure.js";
import { Icon } from "../parts/icon.js";
import { providerInfo } from "./providers.js";

/**
 * What a provider needs, and where it is found.
 * @param {{provider: string, config: Record<string, string>, wrong: {field?: string, message: string} | null, warnings: string[], onChange: (config: Record<string, string>) => void}} props
 */
export function ConfigFields({ provider, config, wrong, warnings, onChange }) {
	const { fields, steps, name } = providerInfo(provider);
	return html`
		<details class="steps" open=${!Object.values(config).some(Boolean)}>
			<summary>Where to find it in ${name}</summary>
			<ol>
				${steps.map((step) => html`<li>${step}</li>`)}
			</ol>
		</details>
		${fields.map((field) => {
			const bad = wrong?.field === field.name && config[field.name] ? wrong.message : "";
			const id = `field-${field.name}`;
			return html`<div class="field">
				<label class="field-name" for=${id}
					>${field.label}${field.optional ? html` <span class="dim">(optional)</span>` : null}</label
				>
				<input
					id=${id}
					class="input mono"
					name=${field.name}
					value=${config[field.name] ?? ""}
					placeholder=${field.example}
					autocomplete="off"
					spellcheck="false"
					aria-invalid=${bad ? "true" : undefined}
					aria-describedby=${`${id}-more`}
					onInput=${(/** @type {any} */ e) => onChange({ ...config, [field.name]: e.target.value.trim() })}
				/>
				<div id=${`${id}-more`} aria-live="polite">
					${bad
						? html`<p class="field-wrong">
								<${Icon} name="warn" size=${16} /><span>${messageOf(bad)}</span>
							</p>`
						: field.help
							? html`<p class="field-help">${field.help}</p>`
							: null}
				</div>
			</div>`;
		})}
		${warnings.map(
			(text) =>
				html`<div class="notice">
					<${Icon} name="warn" />
					<p class="notice-text">${messageOf(text)}</p>
				</div>`,
		)}
	`;
}

/** The settings as the API wants them; null while a field that is needed is empty. @param {string} provider @param {Record<string, string>} config */
export function wholeConfig(provider, config) {
	const { fields } = providerInfo(provider);
	if (fields.some((field) => !field.optional && !config[field.name])) return null;
	return Object.fromEntries(
		fields.filter((field) => config[field.name]).map((field) => [field.name, config[field.name]]),
	);
}
