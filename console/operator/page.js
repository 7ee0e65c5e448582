// SPDX-License-Identifier: Apache-2.0
// For administrators: how the whole service is, and what it could not commit.
import { getStatus } from "../api.js";
import { bytes, duration, number } from "../format.js";
import { html } from "../html.js";
import { Icon } from "../parts/icon.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { Time } from "../parts/time.js";
import { DeadLetters } from "./dead_letters.js";
import { History } from "./history.js";

export function OperatorPage() {
	const status = useLoad(getStatus, [], 2000);
	return html`<div class="page">
		<header class="page-head">
			<div>
				<h1>Operator</h1>
				<p class="lead">Service status, all teams</p>
			</div>
			${status.value.value
				? html`<span class="dim small-text"
						>version ${status.value.value.version}, answered by ${status.value.value.answered_by}</span
					>`
				: null}
		</header>
		<${Loaded} of=${status} lines=${6}>
			${(/** @type {AdminStatus} */ found) => html`
				<${Troubles} status=${found} />
				<${Figures} status=${found} />
				<${History} status=${found} />
				<${Workers} status=${found} />
			`}
		<//>
		<${DeadLetters} />
	</div>`;
}

/** What somebody should look at now, in words. @param {{status: AdminStatus}} props */
function Troubles({ status }) {
	const { stream, ledger, store } = status;
	const troubles = [];
	if (!stream) troubles.push("Redis does not answer, or nothing was ever published. Look at REDIS_URL and at Redis.");
	if (!ledger) troubles.push("No worker writes the ledger. One takes it within seconds; if not, look at the log.");
	if (store.trouble) troubles.push(`The database takes no writes: ${store.trouble}.`);
	return troubles.map(
		(text) =>
			html`<div class="notice bad" role="alert">
				<${Icon} name="warn" />
				<p class="notice-text">${text}</p>
			</div>`,
	);
}

/** @param {{status: AdminStatus}} props */
function Figures({ status }) {
	const { stream, deliveries, channels, store, loop_lag_ms: lag } = status;
	return html`<dl class="figures card">
		<div>
			<dt>Events not read yet</dt>
			<dd>${stream?.lag === undefined ? "unknown" : number(stream.lag)}</dd>
			<dd class="more">
				${stream ? `${number(stream.unacknowledged)} read and not committed` : "Redis does not answer"}
			</dd>
		</div>
		<div>
			<dt>Deliveries waiting</dt>
			<dd>${number(deliveries.pending)}${deliveries.is_more ? "+" : ""}</dd>
			<dd class="more">
				${deliveries.oldest_at
					? html`the oldest since <${Time} at=${deliveries.oldest_at} />`
					: "nothing waits"}
			</dd>
		</div>
		<div>
			<dt>Channels disabled</dt>
			<dd>${number(channels.disabled)}</dd>
			<dd class="more">${number(channels.paused)} more paused after failures</dd>
		</div>
		<div>
			<dt>Database</dt>
			<dd>${bytes(store.size_bytes)}</dd>
			<dd class="more">${store.engine === "sqlite" ? "SQLite" : "PostgreSQL"}</dd>
		</div>
		<div>
			<dt>Longest event-loop delay</dt>
			<dd>${duration(lag)}</dd>
			<dd class="more">in the last one to two minutes</dd>
		</div>
	</dl>`;
}

/** @param {{status: AdminStatus}} props */
function Workers({ status: { workers, ledger, answered_by: me } }) {
	return html`<section class="card card-pad" aria-label="Workers">
		<h2>Workers</h2>
		<div class="table-box" tabindex="0" role="region" aria-label="Table of the workers">
			<table class="table">
				<thead>
					<tr>
						<th scope="col">Worker</th>
						<th scope="col">Channels</th>
						<th scope="col">Writes the ledger</th>
					</tr>
				</thead>
				<tbody>
					${workers.map(
						({ name, channels }) =>
							html`<tr key=${name}>
								<td class="mono">
									${name}${name === me ? html`${" "}<span class="dim">(this one)</span>` : null}
								</td>
								<td>${number(channels)}</td>
								<td>
									${ledger?.worker === name
										? html`yes, until <${Time} at=${ledger.until} as="clock" />`
										: html`<span class="dim">no</span>`}
								</td>
							</tr>`,
					)}
				</tbody>
			</table>
		</div>
		${ledger && !workers.some(({ name }) => name === ledger.worker)
			? html`<p class="dim small-text">${ledger.worker}, of another machine, writes the ledger.</p>`
			: null}
	</section>`;
}
