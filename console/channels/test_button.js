// SPDX-License-Identifier: Apache-2.0
import { testChannel } from "../api.js";
import { html } from "../html.js";
import { messageOf } from "../parts/failure.js";
import { Icon } from "../parts/icon.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";

/** Sends one test message with settings that are not stored. @param {{name: string, provider: Provider, config: Record<string, string> | null}} props */
export function TestButton({ name, provider, config }) {
	const busy = useSignal(false);
	const said = useSignal(/** @type {{good: boolean, text: string} | null} */ (null));
	const tested = JSON.stringify([provider, config]);
	const now = useRef(tested);
	now.current = tested;
	useEffect(() => {
		said.value = null;
	}, [tested]);

	async function test() {
		if (!config) return;
		busy.value = true;
		said.value = null;
		const found = await testChannel({ name, provider, config }).then(
			() => ({ good: true, text: "Test message sent. Check the channel." }),
			(error) => ({ good: false, text: messageOf(error) }),
		);
		// Somebody may have changed the settings meanwhile.
		if (now.current === tested) said.value = found;
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
