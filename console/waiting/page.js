// SPDX-License-Identifier: Apache-2.0
// Snapshots under way, how long they usually take, and what came of those that are done.
import { getPendingSnapshots } from "../api.js";
import { html } from "../html.js";
import { Code } from "../parts/code.js";
import { Empty } from "../parts/empty.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { duration } from "../format.js";
import { Expectations } from "./expectations.js";
import { Outcomes } from "./outcomes.js";
import { PendingCard } from "./pending.js";

export function WaitingPage() {
	const pending = useLoad(getPendingSnapshots, [], 2000);
	return html`<div class="page">
		<header class="page-head">
			<div>
				<h1>Waiting</h1>
				<p class="lead">Snapshots that were requested and are not finished yet.</p>
			</div>
		</header>
		<${Loaded} of=${pending} lines=${5}>
			${(/** @type {PendingSnapshots} */ found) => html`
				<p class="dim small-text">${usualInWords(found.usual)}</p>
				${found.items.length
					? html`<ul class="waiting-list">
							${found.items.map(
								(item) =>
									html`<li key=${item.name}>
										<${PendingCard} item=${item} usual=${found.usual} />
									</li>`,
							)}
						</ul>`
					: html`<div class="card">
							<${Empty} icon="waiting" title="No snapshot is under way">
								<p>Ask for one and watch it here. A program would ask and wait like this:</p>
								<${Code}
									text="wrenn-events wait template.snapshot.create --resource NAME --since 1m"
									label="A command that waits"
								/>
							<//>
						</div>`}
			`}
		<//>
		<${Expectations} />
		<${Outcomes} />
	</div>`;
}

/** @param {PendingSnapshots["usual"]} usual */
function usualInWords(usual) {
	if (!usual) return "How long they usually take is known after the first ones.";
	const { median_s: median, p90_s: p90 } = usual;
	return `Usually ${duration(median * 1000)}; nine of ten within ${duration(p90 * 1000)}.`;
}
