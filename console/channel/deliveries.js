// SPDX-License-Identifier: Apache-2.0
// A channel's deliveries, newest first.
import { place, setQuery } from "../address.js";
import { listDeliveries } from "../api.js";
import { html } from "../html.js";
import { KINDS } from "../kinds.js";
import { Empty } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Pages } from "../parts/pages.js";
import { DeliveryRow, WORDS } from "./delivery.js";

const SINCE = [
	["", "The last seven days"],
	["1h", "The last hour"],
	["24h", "The last day"],
];

/** @param {{id: string, changes: number, onAsk: (name: string) => void}} props */
export function Deliveries({ id, changes, onAsk }) {
	const { query } = place.value;
	const state = query.get("state") ?? "";
	const event = query.get("event") ?? "";
	const since = query.get("since") ?? "";
	const filtered = Boolean(state || event || since);
	/** @param {string} name */
	const set = (name) => (/** @type {any} */ e) => setQuery({ [name]: e.target.value });
	return html`<section class="card list" aria-label="Deliveries">
		<header class="list-head">
			<h2>Deliveries</h2>
			<div class="filters">
				<label
					><span class="sr">State</span>
					<select class="input" onChange=${set("state")}>
						<option value="">Any state</option>
						${Object.entries(WORDS).map(
							([one, word]) => html`<option value=${one} selected=${one === state}>${word}</option>`,
						)}
					</select>
				</label>
				<label
					><span class="sr">Kind</span>
					<select class="input" onChange=${set("event")}>
						<option value="">Any kind</option>
						${KINDS.map(
							({ kind, done }) => html`<option value=${kind} selected=${kind === event}>${done}</option>`,
						)}
					</select>
				</label>
				<label
					><span class="sr">Since</span>
					<select class="input" onChange=${set("since")}>
						${SINCE.map(
							([value, name]) =>
								html`<option value=${value} selected=${value === since}>${name}</option>`,
						)}
					</select>
				</label>
				<button type="button" class="button" onClick=${() => onAsk("recover")}>
					<${Icon} name="again" size=${16} />Send a range again …
				</button>
			</div>
		</header>
		<${Pages}
			read=${(/** @type {any} */ cursor, /** @type {AbortSignal} */ signal) =>
				listDeliveries(id, { ...cursor, state, event, since, limit: 50 }, signal)}
			inputs=${[id, state, event, since, changes]}
			everyMs=${5000}
			row=${(/** @type {Delivery} */ delivery) =>
				html`<${DeliveryRow} key=${delivery.id} delivery=${delivery} />`}
			empty=${filtered
				? html`<${Empty} icon="search" title="No delivery passes these filters"
						><button
							type="button"
							class="button"
							onClick=${() => setQuery({ state: "", event: "", since: "" })}
						>
							Clear the filters
						</button><//
					>`
				: html`<${Empty} icon="send" title="No delivery yet"
						><p>When one of the chosen events happens, its delivery is here within a second.</p><//
					>`}
		/>
	</section>`;
}
