// SPDX-License-Identifier: Apache-2.0
import { setQuery } from "../address.js";
import { clock, count, shortId, utc } from "../format.js";
import { html } from "../html.js";
import { sentence } from "../kinds.js";
import { now } from "../parts/time.js";
import { useSignal } from "../vendor/signals.js";
import { feed } from "./feed.js";

const FEW = 5;

const WORDS = /** @type {const} */ ({
	starting: "starting",
	running: "running",
	paused: "paused",
	snapshotting: "snapshotting",
	stopping: "on its way down",
	ended: "destroyed",
	broken: "broken",
});
const LEGEND = /** @type {const} */ (["running", "paused", "snapshotting", "starting", "broken"]);

/** A lane per capsule: what it was doing, with its events on it. @param {{minutes: number}} props */
export function LaneChart({ minutes }) {
	const all = useSignal(false);
	const end = now.value;
	const start = end - minutes * 60_000;
	const lanes = feed.lanes.recent(start);
	const shown = all.value ? lanes : lanes.slice(0, FEW);
	const at = (/** @type {number} */ ms) => Math.min(100, Math.max(0, ((ms - start) / (end - start)) * 100));
	return html`<div class="card chart">
		<header class="chart-head">
			<h2>Capsules</h2>
			<ul class="legend" aria-label="Colours">
				${LEGEND.map(
					(state) => html`<li><span class=${`swatch ${state}`} aria-hidden="true"></span>${state}</li>`,
				)}
			</ul>
		</header>
		${shown.length
			? html`<ul class="lanes">
						${shown.map((lane) => html`<${LaneRow} key=${lane.id} lane=${lane} at=${at} start=${start} />`)}
					</ul>
					<div class="lane-axis dim" aria-hidden="true">
						<span>${clock(new Date(start)).slice(0, 5)}</span
						><span>${clock(new Date((start + end) / 2)).slice(0, 5)}</span><span>now</span>
					</div>`
			: html`<p class="chart-empty dim">Capsules appear here when something happens to them.</p>`}
		${lanes.length > FEW
			? html`<button type="button" class="button small quiet" onClick=${() => (all.value = !all.value)}>
					${all.value ? "Show fewer" : `Show all ${count(lanes.length, "capsule")}`}
				</button>`
			: null}
	</div>`;
}

/** @param {{lane: import("./lane_model.js").Lane, at: (ms: number) => number, start: number}} props */
function LaneRow({ lane, at, start }) {
	const current = lane.segments.at(-1);
	const words = current ? WORDS[current.state] : "";
	return html`<li class="lane">
		<button
			type="button"
			class="lane-name mono"
			title=${`Only ${lane.id}`}
			onClick=${() => setQuery({ resource: lane.id, open: undefined })}
		>
			${shortId(lane.id)}
		</button>
		<div class="lane-track">
			${lane.segments.map((segment, index) => {
				const next = lane.segments[index + 1];
				const to = next ? at(next.from) : 100;
				const from = at(segment.from);
				if (segment.state === "ended" || to <= 0) return null;
				return html`<span
					class=${`lane-bar ${segment.state}`}
					style=${{ left: `${from}%`, width: `${Math.max(to - from, 0.3)}%` }}
					title=${`${WORDS[segment.state]} since ${clock(new Date(segment.from))}`}
				></span>`;
			})}
			${lane.marks
				.filter((mark) => mark.at >= start)
				.map(
					(mark) =>
						html`<span
							class=${`lane-mark${mark.failed ? " failed" : ""}`}
							style=${{ left: `${at(mark.at)}%` }}
							title=${`${sentence(mark.kind, mark.failed ? "error" : "success")}, ${utc(new Date(mark.at))}`}
						></span>`,
				)}
		</div>
		<span class="lane-word dim">${words}</span>
	</li>`;
}
