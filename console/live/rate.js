// SPDX-License-Identifier: Apache-2.0
import { place, setQuery } from "../address.js";
import { getEventActivity } from "../api.js";
import { count } from "../format.js";
import { html } from "../html.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { Plot } from "../parts/plot.js";
import { Tabs } from "../parts/tabs.js";
import { now } from "../parts/time.js";
import { feed } from "./feed.js";

const LONGER = ["24h", "7d", "30d"];

/** Events over time: by minute as the list has them, or what the service has counted of a longer period. @param {{range: string, minutes: number, filtered: boolean}} props */
export function Rate({ range, minutes, filtered }) {
	const asked = place.value.query.get("plot") ?? "";
	const longer = LONGER.includes(asked) ? asked : "";
	return html`<div class="card chart">
		<header class="chart-head">
			<h2>Events per ${longer ? (longer === "30d" ? "day" : "hour") : "minute"}</h2>
			<${Tabs}
				label="Period of the plot"
				options=${[range, ...LONGER]}
				chosen=${longer || range}
				onChoose=${(/** @type {string} */ one) => setQuery({ plot: one === range ? undefined : one })}
			/>
		</header>
		${longer
			? html`<${Counted} range=${longer} filtered=${filtered} />`
			: html`<${Bars} ...${lastMinutes(minutes)} />`}
	</div>`;
}

/** @param {number} minutes */
function lastMinutes(minutes) {
	const last = Math.floor(now.value / 60_000);
	const starts = Array.from({ length: minutes }, (_, index) => last - minutes + 1 + index);
	const found = starts.map((minute) => feed.minutes.get(minute));
	return {
		labels: starts.map((minute) => minute * 60),
		done: found.map((minute) => minute?.done ?? 0),
		failed: found.map((minute) => minute?.failed ?? 0),
	};
}

/** The service counts all events of the team, whatever the list is filtered by. @param {{range: string, filtered: boolean}} props */
function Counted({ range, filtered }) {
	const activity = useLoad((signal) => getEventActivity(range, signal), [range], 15_000);
	return html`<${Loaded} of=${activity} lines=${3}>
		${(/** @type {EventActivity} */ { labels, events, failed, step_s: step }) =>
			html`<${Bars}
				labels=${labels.map((label) => Date.parse(label) / 1000)}
				done=${events.map((value, index) => value - failed[index])}
				failed=${failed}
				step=${step}
				more=${filtered ? " in the whole team, without the filters" : ""}
			/>`}
	<//>`;
}

/** @param {{labels: number[], done: number[], failed: number[], step?: number, more?: string}} props */
function Bars({ labels, done, failed, step, more = "" }) {
	const bad = failed.reduce((total, value) => total + value, 0);
	const words = `${count(
		done.reduce((total, value) => total + value, bad),
		"event",
	)}, ${bad} failed${more}`;
	return html`<p class="dim small-text">${words}</p>
		<${Plot}
			kind="bars"
			labels=${labels}
			height=${150}
			step=${step}
			label=${`Events: ${words}`}
			series=${[
				{ name: "done", values: done, tone: "good" },
				{ name: "failed", values: failed, tone: "bad" },
			]}
		/>`;
}
