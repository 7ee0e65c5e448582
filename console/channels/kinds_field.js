// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { GROUPS } from "../kinds.js";

/** The kinds of events, by what they mean. @param {{chosen: string[], onChange: (kinds: string[]) => void, wrong?: string}} props */
export function KindsField({ chosen, onChange }) {
	const has = new Set(chosen);
	/** @param {string[]} kinds @param {boolean} wanted */
	const set = (kinds, wanted) =>
		onChange(wanted ? [...new Set([...chosen, ...kinds])] : chosen.filter((kind) => !kinds.includes(kind)));
	return html`<div class="kinds">
		${[...GROUPS].map(([group, kinds]) => {
			const names = kinds.map(({ kind }) => kind);
			const all = names.every((name) => has.has(name));
			return html`<fieldset class="kind-group">
				<legend class="kind-legend">${group}</legend>
				<button type="button" class="link-button" onClick=${() => set(names, !all)}>
					${all ? "none" : "all"}<span class="sr"> of ${group}</span>
				</button>
				${kinds.map(
					({ kind, means, done }) =>
						html`<label class="kind">
							<input
								type="checkbox"
								name=${kind}
								checked=${has.has(kind)}
								onChange=${(/** @type {any} */ e) => set([kind], e.target.checked)}
							/>
							<span><b>${done}</b><span class="dim">${means}</span></span>
						</label>`,
				)}
			</fieldset>`;
		})}
	</div>`;
}
