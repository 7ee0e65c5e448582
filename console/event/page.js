// SPDX-License-Identifier: Apache-2.0
// Everything about one event: when it came, its row in the trail, and for each channel what became of it.
import { place } from "../address.js";
import { explain, getEvent, getListeners } from "../api.js";
import { count, shortId, shortText, timeOfId, utc } from "../format.js";
import { html } from "../html.js";
import { sentence } from "../kinds.js";
import { actorName } from "../live/row.js";
import { Copy } from "../parts/copy.js";
import { Failure } from "../parts/failure.js";
import { Icon } from "../parts/icon.js";
import { Json } from "../parts/json.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { Time } from "../parts/time.js";
import { AuditRow } from "./audit_row.js";
import { Verdicts } from "./verdicts.js";

/** @typedef {Explanation["event"]} Explained */

const STREAM_ID = /^\d{1,20}-\d{1,20}$/;

export function EventPage() {
	const [id = ""] = place.value.rest;
	if (!STREAM_ID.test(id)) {
		const error = new Error(`“${id}” is not the id of an event. An id looks like 1779598928123-0`);
		return html`<div class="page">
			<h1>No such event</h1>
			<${Failure} error=${error} />
		</div>`;
	}
	return html`<${Story} key=${id} id=${id} />`;
}

/** @param {{id: string}} props */
function Story({ id }) {
	const explanation = useLoad((signal) => explain(id, signal), [id], 5000);
	const event = useLoad((signal) => getEvent(id, signal), [id]);
	return html`<div class="page narrow">
		<${Loaded} of=${explanation} lines=${6}>
			${(/** @type {Explanation} */ found) => html`
				<${Head} event=${found.event} />
				<ol class="story">
					<${Chapter} icon="live" title="It entered the stream">
						<p><${Time} at=${timeOfId(id)} />${" "}<span class="dim">(${utc(timeOfId(id))})</span></p>
						<${Audience} id=${id} />
						<${Whole} event=${event} id=${id} />
					<//>
					<${Chapter} icon="audit" title="The audit trail"><${AuditRow} event=${found.event} /><//>
					<${Chapter} icon="channels" title="The channels"><${Verdicts} channels=${found.channels} /><//>
				</ol>
			`}
		<//>
	</div>`;
}

/** @param {{event: Explained}} props */
function Head({ event }) {
	const failed = event.outcome === "error";
	return html`<header class="page-head">
		<div class="grow">
			<a class="crumb" href="#/live"><${Icon} name="back" size=${14} />Live</a>
			<h1 class=${failed ? "is-bad" : ""}>${sentence(event.event, event.outcome)}</h1>
			<p class="lead">
				<a class="mono wrap" href=${`#/live?resource=${encodeURIComponent(event.resource ?? "")}`}
					>${shortId(event.resource ?? "")}</a
				>
				<span class="dim"> · ${event.event}</span>
			</p>
		</div>
		<div class="row-of-buttons">
			<code class="dim">${event.id}</code><${Copy} text=${event.id} label="Copy the id" />
		</div>
	</header>`;
}

/** @param {{icon: string, title: string, children?: any}} props */
function Chapter({ icon, title, children }) {
	return html`<li class="chapter">
		<span class="chapter-sign" aria-hidden="true"><${Icon} name=${icon} /></span>
		<section class="card card-pad" aria-label=${title}>
			<h2>${title}</h2>
			${children}
		</section>
	</li>`;
}

/** How many saw it live. @param {{id: string}} props */
function Audience({ id }) {
	const { value } = useLoad((signal) => getListeners(id, signal), [id]);
	if (!value.value) return null;
	const { listeners } = value.value;
	if (listeners === undefined)
		return html`<p class="dim">How many saw it live is no longer known: the service keeps that in memory only.</p>`;
	return html`<p>
		${listeners
			? `It went at once to ${count(listeners, "live listener")} of the team: open consoles, streams and waits.`
			: "Nobody of the team was watching live when it came."}
	</p>`;
}

/** @param {{event: any, id: string}} props */
function Whole({ event, id }) {
	return html`<${Loaded} of=${event} lines=${2}>
		${(/** @type {StreamEvent | null} */ found) =>
			found
				? html`
						${found.error
							? html`<div class="notice bad">
									<${Icon} name="warn" />
									<p class="notice-text">${shortText(found.error)}</p>
								</div>`
							: null}
						<dl class="facts">
							<dt>By</dt>
							<dd>${shortText(actorName(found))}</dd>
							<dt>Resource</dt>
							<dd class="mono">${shortText(found.resource?.id ?? "")}</dd>
						</dl>
						<details>
							<summary>As JSON</summary>
							<${Json} value=${found} label=${`Event ${id} as JSON`} />
						</details>
					`
				: html`<p class="dim">The stream no longer keeps it. What became of it is below.</p>`}
	<//>`;
}
