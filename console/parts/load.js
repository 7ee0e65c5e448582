// SPDX-License-Identifier: Apache-2.0
// Reads something when a component appears, and again when asked to or after a while.
import { useEffect } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} read
 * @param {unknown[]} inputs what it depends on
 * @param {number} [everyMs] read again, while the page is looked at
 */
export function useLoad(read, inputs, everyMs = 0) {
	const value = useSignal(/** @type {T | undefined} */ (undefined));
	const error = useSignal(/** @type {unknown} */ (undefined));
	const turn = useSignal(0);
	useEffect(() => {
		const controller = new AbortController();
		let isLoading = false;
		// One at a time: no old answer comes after a newer one.
		async function load() {
			if (isLoading) return;
			isLoading = true;
			try {
				const found = await read(controller.signal);
				if (controller.signal.aborted) return;
				value.value = found;
				error.value = undefined;
			} catch (cause) {
				if (!controller.signal.aborted) error.value = cause;
			}
			isLoading = false;
		}
		load();
		const timer = everyMs ? setInterval(() => document.hidden || load(), everyMs) : 0;
		return () => {
			controller.abort();
			clearInterval(timer);
		};
	}, [...inputs, turn.value]);
	return { value, error, again: () => void turn.value++ };
}
