// SPDX-License-Identifier: Apache-2.0
// What the team expects within a time. A miss is reported once: live, in the trail, and to channels that want it.
import { listExpectations, removeExpectation, setExpectation } from "../api.js";
import { count, duration } from "../format.js";
import { html } from "../html.js";
import { sentence } from "../kinds.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { Pill } from "../parts/pill.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";

/** The rules that are ready, with their usual minutes. @type {Record<string, [string, number]>} */
const FORMS = {
	snapshot: ["A requested snapshot is done or has failed", 15],
	capsule: ["A requested capsule runs, or has ended", 5],
	host: ["A host that is down is up again", 10],
};

/** @param {any} of */
function inWords({ request, event, filter }) {
	if (request) return "a request for a snapshot";
	const kinds = [event].flat().map((kind) => sentence(kind).toLowerCase());
	return kinds.join(" or ") + (filter ? ` (${Object.values(filter).flat().join(", ")})` : "");
}

export function Expectations() {
	const rules = useLoad(listExpectations, [], 10_000);
	const form = useSignal("snapshot");
	const minutes = useSignal("");
	const attempt = useTry();
	/** @param {Promise<unknown>} change */
	const wait = (change) => attempt.run(() => change.then(rules.again));
	/** @param {SubmitEvent} event */
	function add(event) {
		event.preventDefault();
		const within = Number(minutes.value || FORMS[form.value][1]) * 60;
		wait(setExpectation(form.value, /** @type {any} */ ({ form: form.value, within_s: within })));
	}
	return html`<section class="card list" aria-label="Expectations">
		<header class="list-head">
			<h2>Expected in time</h2>
			<form class="filters" onSubmit=${add}>
				<label class="whole"
					><span class="sr">What is expected</span>
					<select class="input" onChange=${(/** @type {any} */ e) => (form.value = e.target.value)}>
						${Object.entries(FORMS).map(([name, [words]]) => html`<option value=${name}>${words}</option>`)}
					</select>
				</label>
				<input
					class="input minutes"
					type="number"
					min="1"
					max="10080"
					aria-label="Minutes"
					placeholder=${`${FORMS[form.value][1]} min`}
					value=${minutes}
					onInput=${(/** @type {any} */ e) => (minutes.value = e.target.value)}
				/>
				<button class="button" disabled=${attempt.busy}>Expect it</button>
			</form>
		</header>
		${attempt.failed}
		<${Loaded} of=${rules} lines=${2}>
			${(/** @type {Expectation[]} */ found) =>
				found.length
					? html`<ul class="rows">
							${found.map(
								(rule) =>
									html`<li class="row list-none verdict-line" key=${rule.name}>
										<${Pill} tone=${rule.missed ? "bad" : "good"}
											>${rule.missed ? `${rule.missed} missed` : "none missed"}<//
										>
										<p class="grow">
											<b>${rule.name}</b>: after ${inWords(rule.after)}, ${inWords(rule.without)}
											within ${duration(rule.within_s * 1000)}.
											<span class="dim">${count(rule.waiting, "resource")} waited for</span>
										</p>
										<button
											type="button"
											class="button small"
											onClick=${() => wait(removeExpectation(rule.name))}
										>
											Remove<span class="sr"> ${rule.name}</span>
										</button>
									</li>`,
							)}
						</ul>`
					: html`<p class="list-none dim">
							Nothing yet. What does not come in time is reported to channels that want “Expected event
							was late”.
						</p>`}
		<//>
	</section>`;
}
