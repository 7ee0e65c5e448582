// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { Failure } from "./failure.js";

/** Grey lines where something will be. @param {{lines?: number}} props */
export function Skeleton({ lines = 3 }) {
	return html`<div class="skeleton" role="status" aria-label="Loading">
		${Array.from({ length: lines }, () => html`<span></span>`)}
	</div>`;
}

/**
 * What useLoad() has: the value, the error or neither yet.
 * @param {{of: {value: {value: any}, error: {value: unknown}, again: () => void}, children: (value: any) => any, lines?: number}} props
 */
export function Loaded({ of, children, lines }) {
	const { value, error, again } = of;
	if (value.value === undefined) {
		return error.value
			? html`<${Failure} error=${error.value} onRetry=${again} />`
			: html`<${Skeleton} lines=${lines} />`;
	}
	return html`${error.value ? html`<${Failure} error=${error.value} onRetry=${again} />` : null}${children(
		value.value,
	)}`;
}
