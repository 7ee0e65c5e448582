// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { Code } from "../parts/code.js";
import { Failure, messageOf } from "../parts/failure.js";
import { Icon } from "../parts/icon.js";
import { Mark } from "../parts/mark.js";
import { isKey } from "../key.js";
import { signedOutBecause } from "../session.js";
import { useSignal } from "../vendor/signals.js";
import { signInWith } from "./sign_in.js";

export function SignInPage() {
	const key = useSignal("");
	const failure = useSignal(/** @type {unknown} */ (null));
	const busy = useSignal(false);

	/** @param {SubmitEvent} event */
	async function submit(event) {
		event.preventDefault();
		const text = key.value.trim();
		if (!isKey(text)) {
			failure.value = new Error("A key is wrn_ and 32 hexadecimal digits. Copy it again, without blanks.");
			return;
		}
		busy.value = true;
		try {
			await signInWith(text);
		} catch (error) {
			failure.value = error;
		}
		busy.value = false;
	}

	return html`<main class="signin">
		<form class="card signin-card" onSubmit=${submit}>
			<${Mark} size=${40} />
			<h1>Sign in to Wrenn events</h1>
			<p class="dim">
				See your team's events as they happen, send them to Slack and others, and find out why a message did not
				come.
			</p>
			<label class="field">
				<span class="field-name">API key</span>
				<input
					class="input mono"
					type="password"
					name="key"
					autocomplete="off"
					spellcheck="false"
					placeholder="wrn_…"
					value=${key}
					onInput=${(/** @type {any} */ e) => (key.value = e.target.value)}
				/>
				<span class="field-help">It stays in this tab and is forgotten when the tab is closed.</span>
			</label>
			${failure.value
				? html`<${Failure} error=${failure.value} />`
				: signedOutBecause.value
					? html`<div class="notice bad" role="alert">
							<${Icon} name="warn" />
							<p class="notice-text">
								<strong>You were signed out.</strong> ${messageOf(signedOutBecause.value)} Sign in, and
								nothing is missing.
							</p>
						</div>`
					: null}
			<button class="button primary wide" disabled=${busy.value}>
				${busy.value ? "Signing in …" : "Sign in"}
			</button>
			<details class="dim">
				<summary>Where do I get a key?</summary>
				<p>
					<code>make run</code> prints a link that signs you in. Otherwise make a key on the machine of the
					service. With it, <code>wrenn-events console</code> prints such a link, too.
				</p>
				<${Code}
					text="wrenn-events keys create --team TEAM --name console"
					label="A command that makes a key"
				/>
			</details>
		</form>
	</main>`;
}
