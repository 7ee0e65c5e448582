// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { Failure } from "./failure.js";
import { Skeleton } from "./skeleton.js";

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
