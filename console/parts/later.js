// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { useEffect } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;

/**
 * A component whose file is read when it is first shown, and again after a failure.
 * @param {() => Promise<(props: any) => any>} read
 * @param {any} [meanwhile] what is shown until then
 */
export function later(read, meanwhile = null) {
	/** @type {SignalOf<((props: any) => any) | null>} */
	const found = signal(null);
	const isMissing = signal(false);

	/** @param {number} wait */
	async function ask(wait) {
		try {
			found.value = await read();
		} catch {
			isMissing.value = true;
			setTimeout(ask, wait, Math.min(wait * 2, LONGEST_WAIT_MS));
		}
	}

	return function Later(/** @type {any} */ props) {
		const Component = found.value;
		useEffect(() => {
			if (!Component && !isMissing.value) ask(FIRST_WAIT_MS);
		}, []);
		if (Component) return html`<${Component} ...${props} />`;
		return isMissing.value
			? html`<p class="dim" role="status">This part could not be loaded. It is tried again.</p>`
			: meanwhile;
	};
}
