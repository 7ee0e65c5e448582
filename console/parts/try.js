// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { Failure } from "./failure.js";

/** Runs changes, one at a time; `failed` shows why the last one did not work. */
export function useTry() {
	const failure = useSignal(/** @type {unknown} */ (null));
	const busy = useSignal(false);
	return {
		busy: busy.value,
		failed: failure.value ? html`<${Failure} error=${failure.value} />` : null,
		/** @param {() => Promise<unknown>} change */
		async run(change) {
			if (busy.value) return;
			busy.value = true;
			try {
				await change();
				failure.value = null;
			} catch (error) {
				failure.value = error;
			}
			busy.value = false;
		},
	};
}
