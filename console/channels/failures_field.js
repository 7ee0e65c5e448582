// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

/** @typedef {import("../api.js").Filter | null | undefined} MaybeFilter */

/** @param {MaybeFilter} filter */
export const onlyFailures = (filter) => String(filter?.outcome ?? "") === "error";

/** "Only failures" in one click; the other rules of the filter stay as they are. @param {{filter: MaybeFilter, onChange: (filter: MaybeFilter) => void}} props */
export function FailuresField({ filter, onChange }) {
	/** @param {boolean} wanted */
	const set = (wanted) => onChange({ ...filter, outcome: wanted ? ["error"] : undefined });
	return html`<label class="kind">
		<input
			type="checkbox"
			name="only-failures"
			checked=${onlyFailures(filter)}
			onChange=${(/** @type {any} */ e) => set(e.target.checked)}
		/>
		<span
			><b>Only failures</b
			><span class="dim"
				>What worked is not sent. Hosts that go up or down have no outcome, so they are not either.</span
			></span
		>
	</label>`;
}
