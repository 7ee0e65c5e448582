// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

/** Grey lines where something will be. @param {{lines?: number}} props */
export function Skeleton({ lines = 3 }) {
	return html`<div class="skeleton" role="status" aria-label="Loading">
		${Array.from({ length: lines }, () => html`<span></span>`)}
	</div>`;
}
