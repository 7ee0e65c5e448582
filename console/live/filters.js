// SPDX-License-Identifier: Apache-2.0
import { setQuery } from "../address.js";
import { html } from "../html.js";
import { GROUPS } from "../kinds.js";
import { Icon } from "../parts/icon.js";
import { isOperator } from "../session.js";

const GROUP_FILTERS = [
	["", "Everything"],
	["capsule.*", "Capsules"],
	["template.*", "Snapshots"],
	["host.*", "Hosts"],
	["volume.*", "Volumes"],
];

/** @param {string} name */
const set = (name) => (/** @type {any} */ event) => setQuery({ [name]: event.target.value.trim(), open: undefined });

/** The filters are the API's, except for the text, which looks through what has arrived. @param {{wish: any, paused: SignalOf<boolean>}} props */
export function Filters({ wish, paused }) {
	return html`<form
		class="filters"
		role="search"
		aria-label="Filters"
		onSubmit=${(/** @type {Event} */ e) => e.preventDefault()}
	>
		<label class="search">
			<span class="sr">Search in the events shown</span>
			<${Icon} name="search" size=${16} />
			<input class="input" type="search" placeholder="Search" value=${wish.text} onInput=${set("text")} />
		</label>
		<label
			><span class="sr">Kind</span>
			<select class="input" value=${wish.kind} onChange=${set("event")}>
				${GROUP_FILTERS.map(
					([value, name]) => html`<option value=${value} selected=${value === wish.kind}>${name}</option>`,
				)}
				${[...GROUPS].map(
					([group, kinds]) =>
						html`<optgroup label=${group}>
							${kinds.map(
								({ kind, done }) =>
									html`<option value=${kind} selected=${kind === wish.kind}>${done}</option>`,
							)}
						</optgroup>`,
				)}
			</select>
		</label>
		<label
			><span class="sr">Outcome</span>
			<select class="input" value=${wish.outcome} onChange=${set("outcome")}>
				<option value="">Any outcome</option>
				<option value="success" selected=${wish.outcome === "success"}>Succeeded</option>
				<option value="error" selected=${wish.outcome === "error"}>Failed</option>
			</select>
		</label>
		<label class="grow"
			><span class="sr">Resource</span>
			<input
				class="input mono"
				placeholder="cl-… or a name"
				value=${wish.resource}
				onChange=${set("resource")}
				spellcheck="false"
			/>
		</label>
		<label
			><span class="sr">Since</span>
			<select class="input" value=${wish.range} onChange=${set("range")}>
				<option value="5m" selected=${wish.range === "5m"}>Last 5 minutes</option>
				<option value="15m" selected=${wish.range === "15m"}>Last 15 minutes</option>
				<option value="1h" selected=${wish.range === "1h"}>Last hour</option>
				<option value="6h" selected=${wish.range === "6h"}>Last 6 hours</option>
			</select>
		</label>
		${isOperator.value
			? html`<label class="check"
					><input
						type="checkbox"
						checked=${wish.everyone}
						onChange=${(/** @type {any} */ e) => setQuery({ teams: e.target.checked ? "all" : "" })}
					/>
					All teams</label
				>`
			: null}
		<button type="button" class="button" onClick=${() => (paused.value = !paused.value)}>
			<${Icon} name=${paused.value ? "play" : "pause"} size=${16} />${paused.value ? "Resume" : "Pause"}
		</button>
	</form>`;
}
