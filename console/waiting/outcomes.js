// SPDX-License-Identifier: Apache-2.0
// What came of snapshots lately, as the stream reports it.
import { timeOfId } from "../format.js";
import { html } from "../html.js";
import { Pill } from "../parts/pill.js";
import { Time } from "../parts/time.js";
import { Stream } from "../stream.js";
import { useEffect } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";

const KEEP = 20;

export function Outcomes() {
	const done = useSignal(/** @type {{id: string, event: StreamEvent}[]} */ ([]));
	useEffect(() => {
		const query = { event: "template.snapshot.create", since: "24h" };
		const stream = new Stream("events/stream", query, {
			onEvent: (event, id) => {
				if (id && event.actor?.type === "system") done.value = [{ id, event }, ...done.value].slice(0, KEEP);
			},
			onCondition: () => {},
			onGap: () => {},
		});
		return () => stream.close();
	}, []);
	if (!done.value.length) return null;
	return html`<section class="card list" aria-label="Recently finished">
		<header class="list-head"><h2>Recently finished</h2></header>
		<ul class="rows" aria-live="polite">
			${done.value.map(({ id, event }) => {
				const failed = event.outcome === "error";
				return html`<li class="row" key=${id}>
					<a class="row-line outcome-line" href=${`#/events/${id}`}>
						<${Pill} tone=${failed ? "bad" : "good"}>${failed ? "failed" : "done"}<//>
						<span class="row-main"
							><b class="mono">${event.resource?.id}</b>${failed && event.error
								? html`<span class="row-error">${event.error}</span>`
								: null}</span
						>
						<span class="row-time dim"><${Time} at=${timeOfId(id)} /></span>
					</a>
				</li>`;
			})}
		</ul>
	</section>`;
}
