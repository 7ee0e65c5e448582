// SPDX-License-Identifier: Apache-2.0
// The figures since this page was opened.
import { html } from "../html.js";
import { Plot } from "../parts/plot.js";
import { useEffect, useRef } from "../vendor/hooks.js";

const KEEP = 300;

/** @typedef {{at: number, waiting: number | null, lag: number | null}} Sample */

/** @param {{status: AdminStatus}} props */
export function History({ status }) {
	const samples = useRef(/** @type {Sample[]} */ ([]));
	const last = useRef(/** @type {unknown} */ (null));
	if (last.current !== status) {
		last.current = status;
		const sample = sampleOf(status);
		// The line begins after a minute without figures.
		if (!samples.current.length) samples.current = [{ at: sample.at - 60, waiting: null, lag: null }];
		samples.current = [...samples.current, sample].slice(-KEEP);
	}
	useEffect(() => () => void (samples.current = []), []);
	const kept = samples.current;
	const labels = kept.map(({ at }) => at);
	return html`<section class="operator-grid" aria-label="Since this page was opened">
		<div class="card chart">
			<header class="chart-head">
				<h2>Deliveries waiting</h2>
				<span class="dim">since this page was opened</span>
			</header>
			<${Plot}
				kind="lines"
				height=${130}
				step=${2}
				label=${`Deliveries waiting, now ${status.deliveries.pending}`}
				labels=${labels}
				series=${[{ name: "waiting", values: kept.map(({ waiting }) => waiting), tone: "good" }]}
			/>
		</div>
		<div class="card chart">
			<header class="chart-head">
				<h2>Events not committed yet</h2>
				<span class="dim">since this page was opened</span>
			</header>
			<${Plot}
				kind="lines"
				height=${130}
				step=${2}
				label=${`Events not committed, now ${kept.at(-1)?.lag ?? 0}`}
				labels=${labels}
				series=${[{ name: "lag", values: kept.map(({ lag }) => lag), tone: "bad" }]}
			/>
		</div>
	</section>`;
}

/** @param {AdminStatus} status @returns {Sample} */
function sampleOf({ deliveries, stream }) {
	return {
		at: Date.now() / 1000,
		waiting: deliveries.pending,
		lag: (stream?.lag ?? 0) + (stream?.unacknowledged ?? 0),
	};
}
