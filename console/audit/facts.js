// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { Json } from "../parts/json.js";
import { Time } from "../parts/time.js";

/** @param {AuditEntry} entry */
export function actorOf(entry) {
	return entry.actor_name || entry.actor_id || (entry.actor_type === "api_key" ? "an API key" : entry.actor_type);
}

/** @param {AuditEntry} entry */
export const isBad = (entry) => entry.status === "failure" || entry.severity === "error";

/** One entry of the trail, whole. @param {{entry: AuditEntry}} props */
export function AuditFacts({ entry }) {
	const hasMore = Boolean(entry.metadata && Object.keys(entry.metadata).length);
	return html`<dl class="facts">
			<dt>When</dt>
			<dd><${Time} at=${entry.created_at} /></dd>
			<dt>Who</dt>
			<dd>
				<bdi>${actorOf(entry)}</bdi>${" "}<span class="dim"
					>(${entry.actor_type}${entry.actor_id ? `, ${entry.actor_id}` : ""})</span
				>
			</dd>
			<dt>What</dt>
			<dd>${entry.resource_type}.${entry.action}: ${entry.status}</dd>
			<dt>Which</dt>
			<dd class="mono">${entry.resource_id ?? "none"}</dd>
			<dt>Entry</dt>
			<dd class="mono dim">${entry.id}</dd>
		</dl>
		${hasMore ? html`<${Json} value=${entry.metadata} label="More about it" />` : null}`;
}
