// SPDX-License-Identifier: Apache-2.0
// What came of a channel's deliveries over time, and how long its latest attempts took.
import { place, setQuery } from "../address.js";
import { getChannelActivity, getDelivery, listDeliveries } from "../api.js";
import { count, duration } from "../format.js";
import { html } from "../html.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { Plot } from "../parts/plot.js";
import { Tabs } from "../parts/tabs.js";

const RANGES = /** @type {const} */ (["1h", "24h", "7d", "30d"]);
const LATEST = 20;

/** @param {number[]} values */
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** @param {{id: string}} props */
export function Activity({ id }) {
	const asked = place.value.query.get("range") ?? "";
	const range = RANGES.find((one) => one === asked) ?? "24h";
	const activity = useLoad((signal) => getChannelActivity(id, range, signal), [id, range], 15_000);
	const latency = useLoad((signal) => latestAttempts(id, signal), [id], 15_000);
	return html`<section class="channel-charts" aria-label="Charts">
		<div class="card chart">
			<header class="chart-head">
				<h2>Outcomes</h2>
				<${Tabs}
					label="Range"
					options=${RANGES}
					chosen=${range}
					onChoose=${(/** @type {string} */ one) => setQuery({ range: one })}
				/>
			</header>
			<${Loaded} of=${activity} lines=${3}
				>${(/** @type {ChannelActivity} */ found) => html`<${Outcomes} found=${found} />`}<//
			>
		</div>
		<div class="card chart">
			<header class="chart-head">
				<h2>How long attempts take</h2>
				<span class="dim">the latest ${LATEST} deliveries</span>
			</header>
			<${Loaded} of=${latency} lines=${3}
				>${(/** @type {DeliveryDetail["attempts"]} */ attempts) => html`<${Latency} attempts=${attempts} />`}<//
			>
		</div>
	</section>`;
}

/** @param {{found: ChannelActivity}} props */
function Outcomes({ found }) {
	const words = `${count(sum(found.delivered), "delivery", "deliveries")} done, ${sum(found.failed)} given up, ${count(sum(found.retried), "attempt")} to be tried again`;
	return html`<p class="dim small-text">${words}</p>
		<${Plot}
			kind="bars"
			height=${150}
			step=${found.step_s}
			label=${words}
			labels=${found.labels.map((label) => Date.parse(label) / 1000)}
			series=${[
				{ name: "delivered", values: found.delivered, tone: "good" },
				{
					name: "failed",
					values: found.failed.map((value, index) => value + found.retried[index]),
					tone: "bad",
				},
			]}
		/>`;
}

/** @param {string} id @param {AbortSignal} signal */
async function latestAttempts(id, signal) {
	const { items } = await listDeliveries(id, { limit: LATEST }, signal);
	const tried = items.filter((delivery) => delivery.attempts > 0);
	const details = await Promise.all(tried.map((delivery) => getDelivery(delivery.id, signal)));
	return details.flatMap((detail) => detail.attempts).sort((a, b) => a.started_at.localeCompare(b.started_at));
}

/** @param {{attempts: DeliveryDetail["attempts"]}} props */
function Latency({ attempts }) {
	if (!attempts.length) return html`<p class="chart-empty dim">The first attempt draws the first line here.</p>`;
	const sorted = attempts.map((attempt) => attempt.duration_ms).sort((a, b) => a - b);
	const words = `usually ${duration(sorted[Math.floor(sorted.length / 2)])}, at most ${duration(sorted[sorted.length - 1])}`;
	return html`<p class="dim small-text">${words}</p>
		<${Plot}
			kind="lines"
			height=${150}
			unit=" ms"
			label=${`Milliseconds of each attempt: ${words}`}
			ordinal=${true}
			labels=${attempts.map((_, index) => index + 1)}
			series=${[{ name: "ms", values: attempts.map((attempt) => attempt.duration_ms), tone: "good" }]}
		/>`;
}
