// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

const HEIGHT = 36;

/**
 * Small bars, what failed on top of what was done. A step without anything is a dot of the line.
 * @param {{done: number[], failed: number[], label: string}} props
 */
export function Spark({ done, failed, label }) {
	const highest = Math.max(1, ...done.map((value, index) => value + failed[index]));
	const step = 100 / Math.max(1, done.length);
	const scale = (/** @type {number} */ value) => (value / highest) * (HEIGHT - 2);
	return html`<svg
		class="spark"
		viewBox=${`0 0 100 ${HEIGHT}`}
		preserveAspectRatio="none"
		role="img"
		aria-label=${label}
	>
		${done.map((value, index) => {
			const x = index * step + step * 0.15;
			const good = scale(value);
			const bad = scale(failed[index]);
			return html`
				${value || failed[index]
					? null
					: html`<rect class="none" x=${x} y=${HEIGHT - 2} width=${step * 0.7} height="2" />`}
				${value
					? html`<rect class="done" x=${x} y=${HEIGHT - good} width=${step * 0.7} height=${good} />`
					: null}
				${failed[index]
					? html`<rect class="failed" x=${x} y=${HEIGHT - good - bad} width=${step * 0.7} height=${bad} />`
					: null}
			`;
		})}
	</svg>`;
}
