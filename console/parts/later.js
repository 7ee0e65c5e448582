// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { useEffect } from "../vendor/hooks.js";
import { signal } from "../vendor/signals.js";

/**
 * A component whose file is read when it is shown for the first time.
 * @param {() => Promise<(props: any) => any>} read
 * @param {any} [meanwhile] what is shown until then
 */
export function later(read, meanwhile = null) {
	/** @type {SignalOf<((props: any) => any) | null>} */
	const found = signal(null);
	return function Later(/** @type {any} */ props) {
		const Component = found.value;
		useEffect(() => {
			if (!Component) read().then((component) => (found.value = component));
		}, []);
		return Component ? html`<${Component} ...${props} />` : meanwhile;
	};
}
