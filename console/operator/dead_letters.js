// SPDX-License-Identifier: Apache-2.0
// Events that could not be committed, with the reason, and a way to offer them again.
import { listDeadLetters, offerDeadLetter } from "../api.js";
import { bytes } from "../format.js";
import { html } from "../html.js";
import { Icon } from "../parts/icon.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { Time } from "../parts/time.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";

export function DeadLetters() {
	const before = useSignal("");
	const letters = useLoad(
		(signal) => listDeadLetters({ before: before.value, limit: 20 }, signal),
		[before.value],
		10_000,
	);
	return html`<section class="card list" aria-label="Dead letters">
		<header class="list-head">
			<div>
				<h2>Dead letters</h2>
				<p class="dim small-text">
					Events that could not be committed. Repair the cause, then offer them again.
				</p>
			</div>
			${before.value
				? html`<button type="button" class="button small" onClick=${() => (before.value = "")}>
						The newest
					</button>`
				: null}
		</header>
		<${Loaded} of=${letters} lines=${2}>
			${(/** @type {DeadLetterPage} */ found) =>
				found.items.length
					? html`<ul class="rows">
								${found.items.map(
									(letter) =>
										html`<${Letter} key=${letter.id} letter=${letter} onGone=${letters.again} />`,
								)}
							</ul>
							${found.next_before
								? html`<div class="list-end">
										<button
											type="button"
											class="button small quiet"
											onClick=${() => (before.value = found.next_before ?? "")}
										>
											Older ones
										</button>
									</div>`
								: null}`
					: html`<p class="list-none dim">
							<${Icon} name="check" size=${16} />None. Every event was committed.
						</p>`}
		<//>
	</section>`;
}

/** @param {{letter: DeadLetterPage["items"][number], onGone: () => void}} props */
function Letter({ letter, onGone }) {
	const attempt = useTry();
	const busy = useSignal(false);
	async function offer() {
		busy.value = true;
		await attempt.run(() => offerDeadLetter(letter.id).then(onGone));
		busy.value = false;
	}
	return html`<li class="row letter">
		<div class="letter-line">
			<div class="grow">
				<p class="row-error">${letter.reason ?? "no reason is known"}</p>
				<p class="dim small-text">
					${letter.at ? html`<${Time} at=${letter.at} />, ` : ""}event ${letter.event_id ?? "unknown"},
					${bytes(letter.payload_bytes)}
				</p>
			</div>
			<button type="button" class="button small" disabled=${busy.value} onClick=${offer}>
				<${Icon} name="again" size=${16} />Offer again
			</button>
		</div>
		${attempt.failed}
		${letter.payload
			? html`<details>
					<summary>What was published</summary>
					<pre class="code json" tabindex="0" role="region" aria-label="The payload">${letter.payload}</pre>
				</details>`
			: null}
	</li>`;
}
