// SPDX-License-Identifier: Apache-2.0
import { href, place } from "../address.js";
import { clock, shortId, utc } from "../format.js";
import { html } from "../html.js";
import { sentence } from "../kinds.js";
import { Icon } from "../parts/icon.js";

/** @param {StreamEvent} event */
function sign(event) {
	if (event.event === "capsule.state.changed") return "dot";
	return event.outcome === "error" ? "cross" : "check";
}

/** @param {StreamEvent} event */
export function whatHappened(event) {
	if (event.event !== "capsule.state.changed") return sentence(event.event, event.outcome);
	const { from, to } = event.metadata ?? {};
	return from ? `State: ${from} → ${to}` : `State: ${to}`;
}

/** @param {StreamEvent} event */
export function actorName(event) {
	const { actor } = event;
	if (!actor) return "";
	return actor.name || actor.id || (actor.type === "api_key" ? "an API key" : actor.type);
}

/** @param {{item: import("./feed.js").Item, top: number, place: number, of: number, open: boolean}} props */
export function Row({ item, top, place: number, of, open }) {
	const { event } = item;
	const date = new Date(item.at);
	const failed = event.outcome === "error";
	const query = { ...Object.fromEntries(place.value.query), open: item.id ?? String(item.seq) };
	return html`<div
		role="listitem"
		class="feed-item"
		aria-posinset=${number}
		aria-setsize=${of}
		style=${{ transform: `translateY(${top}px)` }}
	>
		<a
			class=${`feed-row${failed ? " failed" : ""}${event.event === "capsule.state.changed" ? " minor" : ""}`}
			href=${href("live", query)}
			aria-current=${open ? "true" : undefined}
		>
			<time class="feed-time" datetime=${date.toISOString()} title=${utc(date)}>${clock(date)}</time>
			<span class="feed-what"
				><${Icon} name=${sign(event)} size=${16} /><span class="cut"
					>${whatHappened(event)}${failed && event.error
						? html`<span class="feed-error"> · ${event.error}</span>`
						: null}</span
				></span
			>
			<span class="feed-resource mono cut" title=${event.resource?.id}>${shortId(event.resource?.id ?? "")}</span>
			<span class="feed-actor cut">${actorName(event)}</span>
		</a>
	</div>`;
}
