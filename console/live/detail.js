// SPDX-License-Identifier: Apache-2.0
import { setQuery } from "../address.js";
import { shortText } from "../format.js";
import { html } from "../html.js";
import { Icon } from "../parts/icon.js";
import { Json } from "../parts/json.js";
import { Time } from "../parts/time.js";
import { Copy } from "../parts/copy.js";
import { useLayoutEffect, useRef } from "../vendor/hooks.js";
import { actorName, whatHappened } from "./row.js";

/** One event beside the list, with all the API says of it. @param {{item: import("./feed.js").Item, onClose: () => void}} props */
export function Detail({ item, onClose }) {
	const { event, id } = item;
	const head = useRef(/** @type {HTMLElement | null} */ (null));
	useLayoutEffect(() => head.current?.focus(), [item.seq]);
	/** @param {KeyboardEvent} key */
	const escape = (key) => key.key === "Escape" && onClose();
	return html`<aside class="detail card" aria-label="One event" onKeyDown=${escape}>
		<header class="detail-head">
			<h2 tabindex="-1" ref=${head}>${whatHappened(event)}</h2>
			<button type="button" class="button quiet square" aria-label="Close" onClick=${onClose}>
				<${Icon} name="cross" />
			</button>
		</header>
		${event.error
			? html`<div class="notice bad">
					<${Icon} name="warn" />
					<p class="notice-text">${shortText(event.error)}</p>
				</div>`
			: null}
		<dl class="facts">
			<dt>When</dt>
			<dd><${Time} at=${new Date(item.at)} /></dd>
			<dt>Resource</dt>
			<dd class="mono wrap">${shortText(event.resource?.id ?? "")}</dd>
			<dt>By</dt>
			<dd>${shortText(actorName(event))}</dd>
			${id
				? html`<dt>Stream id</dt>
						<dd class="mono">${id}</dd>`
				: null}
		</dl>
		<div class="row-of-buttons">
			${id ? html`<a class="button primary small" href=${`#/events/${id}`}>See who received it</a>` : null}
			<button
				type="button"
				class="button small"
				onClick=${() => setQuery({ resource: event.resource?.id, open: undefined })}
			>
				Only this resource
			</button>
			<${Copy} text=${JSON.stringify(event, null, 2)} label="Copy JSON" />
		</div>
		<${Json} value=${event} label="The event as JSON" />
	</aside>`;
}
