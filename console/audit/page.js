// SPDX-License-Identifier: Apache-2.0
// Who did what, and whether it worked.
import { place, setQuery } from "../address.js";
import { exportAudit, listAudit } from "../api.js";
import { shortId } from "../format.js";
import { html } from "../html.js";
import { Empty } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Pages } from "../parts/pages.js";
import { Pill } from "../parts/pill.js";
import { save } from "../parts/save.js";
import { Time } from "../parts/time.js";
import { useTry } from "../parts/try.js";
import { useSignal } from "../vendor/signals.js";
import { AuditFacts, actorOf, isBad } from "./facts.js";

const TYPES = [
	["sandbox", "Capsules"],
	["snapshot", "Snapshots"],
	["host", "Hosts"],
	["volume", "Volumes"],
	["channel", "Channels"],
	["api_key", "API keys"],
	["team", "The team"],
	["member", "Members"],
];
const ACTIONS = [
	"create",
	"pause",
	"resume",
	"destroy",
	"delete",
	"update",
	"rotate_config",
	"enable",
	"disable",
	"error",
	"marked_up",
	"marked_down",
];

export function AuditPage() {
	const { query } = place.value;
	const type = query.get("resource_type") ?? "";
	const action = query.get("action") ?? "";
	const filters = { resource_type: type, action };
	/** @param {string} name */
	const set = (name) => (/** @type {any} */ e) => setQuery({ [name]: e.target.value });
	return html`<div class="page">
		<header class="page-head">
			<div>
				<h1>Audit</h1>
				<p class="lead">Who did what, and whether it worked.</p>
			</div>
			<${Export} filters=${filters} />
		</header>
		<section class="card list" aria-label="Audit entries">
			<header class="list-head">
				<div class="filters">
					<label
						><span class="sr">Of what</span>
						<select class="input" onChange=${set("resource_type")}>
							<option value="">Everything</option>
							${TYPES.map(
								([value, name]) =>
									html`<option value=${value} selected=${value === type}>${name}</option>`,
							)}
						</select>
					</label>
					<label
						><span class="sr">Action</span>
						<select class="input" onChange=${set("action")}>
							<option value="">Any action</option>
							${ACTIONS.map(
								(value) => html`<option value=${value} selected=${value === action}>${value}</option>`,
							)}
						</select>
					</label>
				</div>
			</header>
			<${Pages}
				read=${(/** @type {any} */ cursor, /** @type {AbortSignal} */ signal) =>
					listAudit({ ...cursor, ...filters, limit: 50 }, signal)}
				inputs=${[type, action]}
				everyMs=${10_000}
				row=${(/** @type {AuditEntry} */ entry) => html`<${EntryRow} key=${entry.id} entry=${entry} />`}
				empty=${type || action
					? html`<${Empty} icon="search" title="No entry passes these filters"
							><button
								type="button"
								class="button"
								onClick=${() => setQuery({ resource_type: "", action: "" })}
							>
								Clear the filters
							</button><//
						>`
					: html`<${Empty} icon="audit" title="The trail is empty"
							><p>The first thing that anybody does in the team is written down here.</p><//
						>`}
			/>
		</section>
	</div>`;
}

/** @param {{filters: Query}} props */
function Export({ filters }) {
	const busy = useSignal("");
	const attempt = useTry();
	/** @param {"csv" | "jsonl"} format */
	async function keep(format) {
		busy.value = format;
		await attempt.run(() => save(`audit.${format}`, () => exportAudit({ ...filters, format })));
		busy.value = "";
	}
	return html`<div class="export">
		<div class="row-of-buttons">
			<button type="button" class="button" disabled=${busy.value !== ""} onClick=${() => keep("csv")}>
				<${Icon} name="download" size=${16} />${busy.value === "csv" ? "Exporting …" : "Export CSV"}
			</button>
			<button type="button" class="button" disabled=${busy.value !== ""} onClick=${() => keep("jsonl")}>
				<${Icon} name="download" size=${16} />${busy.value === "jsonl" ? "Exporting …" : "JSON Lines"}
			</button>
		</div>
		${attempt.failed}
	</div>`;
}

/** @param {{entry: AuditEntry}} props */
function EntryRow({ entry }) {
	const open = useSignal(false);
	const bad = isBad(entry);
	return html`<li class="row">
		<button
			type="button"
			class="row-line audit-line"
			aria-expanded=${open.value}
			onClick=${() => (open.value = !open.value)}
		>
			<span class="row-turn"><${Icon} name=${open.value ? "down" : "right"} size=${16} /></span>
			<span class="row-time dim"><${Time} at=${entry.created_at} /></span>
			<span class="row-who">${actorOf(entry)}</span>
			<span class="row-main"
				><b>${entry.resource_type}.${entry.action}</b>${" "}<span class="mono dim"
					>${shortId(entry.resource_id ?? "")}</span
				></span
			>
			<${Pill} tone=${bad ? "bad" : "good"}>${bad ? "failed" : "done"}<//>
		</button>
		${open.value
			? html`<div class="row-detail">
					<${AuditFacts} entry=${entry} />
					${entry.event_id
						? html`<div class="row-of-buttons">
								<a class="button small" href=${`#/events/${entry.event_id}`}
									>The whole story of the event</a
								>
							</div>`
						: null}
				</div>`
			: null}
	</li>`;
}
