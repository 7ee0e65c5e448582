// SPDX-License-Identifier: Apache-2.0
// Events as they come.
import { place, setQuery } from "../address.js";
import { html } from "../html.js";
import { Code } from "../parts/code.js";
import { Empty } from "../parts/empty.js";
import { isOperator } from "../session.js";
import { useEffect } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";
import { Condition } from "./condition.js";
import { Detail } from "./detail.js";
import { feed } from "./feed.js";
import { Filters } from "./filters.js";
import { LaneChart } from "./lanes.js";
import { List } from "./list.js";
import { Rate } from "./rate.js";

export const RANGES = /** @type {const} */ ({ "5m": 5, "15m": 15, "1h": 60, "6h": 360 });
const RANGE = "15m";

/** What the address says. */
function wishes() {
	const { query } = place.value;
	const get = (/** @type {string} */ name) => query.get(name) ?? "";
	const range = /** @type {keyof RANGES} */ (get("range") in RANGES ? get("range") : RANGE);
	return {
		kind: get("event"),
		resource: get("resource"),
		outcome: get("outcome"),
		text: get("text"),
		open: get("open"),
		everyone: get("teams") === "all",
		range,
	};
}

/** @param {ReturnType<typeof wishes>} wish */
function streamQuery({ kind, resource, outcome, range }) {
	// Volumes and misses come only where they are named.
	return { event: kind || "*,volume.*,wrenn.*,capsule.state.changed", resource, outcome, since: range };
}

export function LivePage() {
	const wish = wishes();
	const paused = useSignal(false);
	const path = wish.everyone && isOperator.value ? "admin/events/stream" : "events/stream";
	useEffect(() => {
		feed.follow(path, streamQuery(wish));
	}, [path, wish.kind, wish.resource, wish.outcome, wish.range]);
	const text = wish.text.trim().toLowerCase();
	const filtered = Boolean(wish.kind || wish.resource || wish.outcome);
	void feed.version.value;
	const open = wish.open
		? feed.items.find((item) => item.id === wish.open || String(item.seq) === wish.open)
		: undefined;
	return html`<div class="page live">
		<header class="page-head">
			<div>
				<h1>Live</h1>
				<p class="lead">What happens in your team, as it happens.</p>
			</div>
			<${Condition} />
		</header>
		<${Filters} wish=${wish} paused=${paused} />
		<section class="live-charts" aria-label="Charts">
			<${Rate} range=${wish.range} minutes=${RANGES[wish.range]} filtered=${filtered || wish.everyone} />
			<${LaneChart} minutes=${RANGES[wish.range]} />
		</section>
		<div class=${`live-body${open ? " with-detail" : ""}`}>
			<${List}
				text=${text}
				paused=${paused}
				open=${wish.open}
				empty=${html`<${Nothing} filtered=${filtered || Boolean(text)} />`}
			/>
			${open ? html`<${Detail} item=${open} onClose=${() => setQuery({ open: undefined })} />` : null}
		</div>
	</div>`;
}

/** @param {{filtered: boolean}} props */
function Nothing({ filtered }) {
	if (filtered) {
		return html`<${Empty} icon="search" title="No event passes these filters">
			<p>New ones appear here by themselves.</p>
			<button
				type="button"
				class="button"
				onClick=${() => setQuery({ event: "", resource: "", outcome: "", text: "" })}
			>
				Clear the filters
			</button>
		<//>`;
	}
	return html`<${Empty} icon="live" title="Nothing has happened lately">
		<p>Events appear here the moment they happen. To see one now, publish it on the machine of the service:</p>
		<${Code}
			text="wrenn-events publish capsule.create --team TEAM --resource cl-6dfzh5ik5uxynzmlf5cshamdk --outcome success"
			label="A command that publishes an event"
		/>
		<p>Or <a href="#/channels/new">connect Slack or another channel</a>, so that you need not watch.</p>
	<//>`;
}
