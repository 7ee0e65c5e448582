// SPDX-License-Identifier: Apache-2.0
import { listChannels } from "../api.js";
import { html } from "../html.js";
import { useLoad } from "../parts/load.js";

const MINUTES = [5, 10, 30, 60];

/** Who takes over when the channel fails. @param {{fallback: SetOptions["fallback"], self?: string, onChange: (changed: SetOptions) => void}} props */
export function FallbackField({ fallback, self, onChange }) {
	const { value } = useLoad(listChannels, []);
	const others = (value.value ?? []).filter((other) => other.id !== self && !other.fallback);
	const id = fallback?.channel_id ?? "";
	const after = fallback?.after_minutes ?? 10;
	/** @param {string} channel_id @param {number} after_minutes */
	const set = (channel_id, after_minutes) =>
		onChange({ fallback: channel_id ? { channel_id, after_minutes } : null });
	return html`<div class="filters">
		<label
			><span class="field-name">When it fails</span>
			<select class="input" name="fallback" onChange=${(/** @type {any} */ e) => set(e.target.value, after)}>
				<option value="">it waits and tries again</option>
				${others.map(
					(other) =>
						html`<option value=${other.id} selected=${other.id === id}>${other.name} takes over</option>`,
				)}
			</select>
		</label>
		${id
			? html`<label
					><span class="field-name">After</span>
					<select
						class="input"
						name="after"
						onChange=${(/** @type {any} */ e) => set(id, Number(e.target.value))}
					>
						${[...new Set([...MINUTES, after])].map(
							(one) => html`<option value=${one} selected=${one === after}>${one} min</option>`,
						)}
					</select>
				</label>`
			: null}
	</div>`;
}
