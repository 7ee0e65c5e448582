// SPDX-License-Identifier: Apache-2.0
import { duration } from "../format.js";
import { html } from "../html.js";
import { Code } from "../parts/code.js";
import { Pill } from "../parts/pill.js";
import { Time, now } from "../parts/time.js";

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** How one waits for it in a shell. @param {PendingSnapshots["items"][number]} item */
function commands({ name, requested_at: asked }) {
	const base = new URL("..", new URL(".", location.href)).href.replace(/\/$/, "");
	return {
		curl: [
			`curl -fsS -G ${quoted(`${base}/v1/events/wait`)} -H "X-API-Key: $WRENN_API_KEY"`,
			`  -d event=template.snapshot.create -d timeout=600 -d since=${asked}`,
			`  --data-urlencode resource=${quoted(name)}`,
		].join(" \\\n"),
		wait: `wrenn-events wait template.snapshot.create --resource ${quoted(name)} --since ${asked}`,
	};
}

/** @param {{item: PendingSnapshots["items"][number], usual: PendingSnapshots["usual"]}} props */
export function PendingCard({ item, usual }) {
	const elapsed = Math.max(0, now.value - new Date(item.requested_at).getTime());
	const median = (usual?.median_s ?? 0) * 1000;
	const late = (usual?.p90_s ?? usual?.median_s ?? Infinity) * 1000;
	const overdue = item.overdue || elapsed > late;
	const share = median ? Math.min(100, (elapsed / Math.max(late, median)) * 100) : 0;
	const words = median
		? `${duration(elapsed)} so far; usually ${duration(median)}${overdue ? ", now overdue" : ""}`
		: `${duration(elapsed)} so far`;
	const shell = commands(item);
	return html`<article class="card card-pad">
		<header class="pending-head">
			<div class="grow">
				<h2 class="mono wrap">${item.name}</h2>
				<p class="dim small-text">requested <${Time} at=${item.requested_at} /></p>
			</div>
			<${Pill} tone=${overdue ? "bad" : "busy"}>${overdue ? "Overdue" : "Under way"}<//>
		</header>
		<div>
			<div
				class=${`progress${overdue ? " overdue" : ""}`}
				role="progressbar"
				aria-label=${`Snapshot ${item.name}`}
				aria-valuemin="0"
				aria-valuemax="100"
				aria-valuenow=${Math.round(share)}
				aria-valuetext=${words}
			>
				<span style=${{ width: `${share}%` }}></span>
			</div>
			<p class="small-text progress-words">${words}</p>
		</div>
		<details>
			<summary>Wait for it in a shell</summary>
			<div class="pending-shell">
				<${Code} text=${shell.wait} label="With wrenn-events" />
				<${Code} text=${shell.curl} label="With curl" />
			</div>
		</details>
	</article>`;
}
