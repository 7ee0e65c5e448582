// SPDX-License-Identifier: Apache-2.0
import { count } from "../format.js";
import { html } from "../html.js";
import { Plot } from "../parts/plot.js";
import { now } from "../parts/time.js";
import { feed } from "./feed.js";

/** Events per minute, those that failed on their own. @param {{minutes: number}} props */
export function Rate({ minutes }) {
	const last = Math.floor(now.value / 60_000);
	const labels = [];
	const done = [];
	const failed = [];
	let events = 0;
	let bad = 0;
	for (let minute = last - minutes + 1; minute <= last; minute++) {
		const found = feed.minutes.get(minute);
		labels.push(minute * 60);
		done.push(found?.done ?? 0);
		failed.push(found?.failed ?? 0);
		events += (found?.done ?? 0) + (found?.failed ?? 0);
		bad += found?.failed ?? 0;
	}
	const words = `${count(events, "event")}, ${bad} failed`;
	return html`<div class="card chart">
		<header class="chart-head">
			<h2>Events per minute</h2>
			<span class="dim">${words}</span>
		</header>
		<${Plot}
			kind="bars"
			labels=${labels}
			height=${150}
			label=${`Events per minute: ${words}`}
			series=${[
				{ name: "done", values: done, tone: "good" },
				{ name: "failed", values: failed, tone: "bad" },
			]}
		/>
	</div>`;
}
