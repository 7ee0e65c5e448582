// SPDX-License-Identifier: Apache-2.0
import { listAudit } from "../api.js";
import { AuditFacts } from "../audit/facts.js";
import { html } from "../html.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";

/** Rows have whole seconds; the row of an event has the publisher's time, which may be a little before the stream's. */
const BEFORE_MS = 120_000;
const AFTER_MS = 2000;

/** @param {Explanation["event"]} event @param {AbortSignal} signal */
async function findRow(event, signal) {
	const at = new Date(event.published_at ?? Number(event.id.split("-")[0])).getTime();
	const before = new Date(at + AFTER_MS).toISOString();
	const { items } = await listAudit({ before, limit: 200 }, signal);
	const verb = event.event.split(".").at(-1) ?? "";
	const own = items.find((row) => row.event_id === event.id);
	if (own) return own;
	/** The control plane writes rows that name no event. For a failure that nobody requested, `action` is "error" and `metadata.phase` holds the verb. @param {AuditEntry} row */
	const isAction = ({ action, metadata }) =>
		action === verb || action === `marked_${verb}` || (action === "error" && metadata?.phase === verb);
	return (
		items.find(
			(row) =>
				!row.event_id &&
				row.resource_id === event.resource &&
				isAction(row) &&
				new Date(row.created_at).getTime() >= at - BEFORE_MS,
		) ?? null
	);
}

/** @param {{event: Explanation["event"]}} props */
export function AuditRow({ event }) {
	const row = useLoad((signal) => findRow(event, signal), [event.id], 5000);
	return html`<${Loaded} of=${row} lines=${2}>
		${(/** @type {AuditEntry | null} */ found) =>
			found
				? html`<${AuditFacts} entry=${found} />`
				: html`<p class="dim">
						No row of its own. A completion has none when the request it follows has one.
						<a href="#/audit">Look through the trail</a>.
					</p>`}
	<//>`;
}
