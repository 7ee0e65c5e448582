// SPDX-License-Identifier: Apache-2.0
// What a channel may have beside its kinds of events.
import { html } from "../html.js";
import { Check } from "../parts/check.js";
import { FallbackField } from "./fallback_field.js";
import { QuietField, quietInWords } from "./quiet_field.js";

/** @param {SetOptions} options */
const onlyFailures = ({ filter }) => String(filter?.outcome ?? "") === "error";

/** The options among a channel's members. @param {Channel} channel @returns {SetOptions} */
export const optionsOf = ({ filter, living, quiet, fallback }) => ({ filter, living, quiet, fallback });

/** @param {{options: SetOptions, self?: string, onChange: (options: SetOptions) => void}} props `self`: the channel's id */
export function OptionsFields({ options, self, onChange }) {
	const { filter, fallback } = options;
	/** @param {SetOptions} changed */
	const set = (changed) => onChange({ ...options, ...changed });
	return html`<div class="options">
		<${Check}
			name="only-failures"
			title="Only failures"
			help="What worked is not sent. A host that is down counts as a failure."
			checked=${onlyFailures(options)}
			onChange=${(/** @type {boolean} */ wanted) =>
				set({ filter: { ...filter, outcome: wanted ? ["error"] : undefined } })}
		/>
		<${Check}
			name="living"
			title="One message for each capsule"
			help="Discord, Telegram and Matrix edit it in place. A failure comes as a new message."
			checked=${Boolean(options.living)}
			onChange=${(/** @type {boolean} */ wanted) => set({ living: wanted || null })}
		/>
		<${QuietField} quiet=${options.quiet} onChange=${set} />
		<${FallbackField} fallback=${fallback} self=${self} onChange=${set} />
	</div>`;
}

/** @param {SetOptions} options */
export function optionsInWords(options) {
	const { filter, living, quiet, fallback } = options;
	const words = Object.entries(filter ?? {}).map(([rule, values]) =>
		rule === "outcome" && onlyFailures(options) ? "only failures" : `${rule} ${values.join(" or ")}`,
	);
	if (living) words.push("one message for each capsule");
	if (quiet) words.push(quietInWords(quiet));
	if (fallback) words.push(`another channel takes over after ${fallback.after_minutes} min`);
	return words.map((word) => ` · ${word}`).join("");
}
