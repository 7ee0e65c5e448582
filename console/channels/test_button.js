// SPDX-License-Identifier: Apache-2.0
import { testChannel } from "../api.js";
import { html } from "../html.js";
import { messageOf } from "../parts/failure.js";
import { Icon } from "../parts/icon.js";
import { useEffect } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";

/** Sends one test message with settings that are not stored. @param {{name: string, provider: Provider, config: Record<string, string> | null}} props */
export function TestButton({ name, provider, config }) {
	const busy = useSignal(false);
	const said = useSignal(/** @type {{good: boolean, text: string} | null} */ (null));
	useEffect(() => {
		said.value = null;
	}, [provider, JSON.stringify(config)]);

	async function test() {
		if (!config) return;
		busy.value = true;
		said.value = null;
		try {
			await testChannel({ name, provider, config });
			said.value = { good: true, text: "Test message sent. Check the channel." };
		} catch (error) {
			said.value = { good: false, text: messageOf(error) };
		}
		busy.value = false;
	}

	return html`<button type="button" class="button" disabled=${!config || busy.value} onClick=${test}>
			<${Icon} name="send" size=${16} />${busy.value ? "Sending …" : "Send a test message"}
		</button>
		<div class="said" role="status">
			${said.value
				? html`<span class=${`said-text ${said.value.good ? "good" : "bad"}`}
						><${Icon} name=${said.value.good ? "check" : "cross"} size=${16} /><span
							>${said.value.text}</span
						></span
					>`
				: null}
		</div>`;
}
