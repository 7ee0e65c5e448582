// SPDX-License-Identifier: Apache-2.0
import { html } from "../../html.js";
import { Json } from "../../parts/json.js";

/** Three dots replace what differs from request to request. */
const HEADERS = [
	["X-Wrenn-Signature", "sha256=…"],
	["X-Wrenn-Timestamp", "…"],
	["X-Wrenn-Delivery", "the same on every attempt"],
	["X-Wrenn-Attempt", "1"],
	["webhook-id", "…"],
	["webhook-timestamp", "…"],
	["webhook-signature", "v1,…"],
];

/** @param {{body: any, contentType: string}} props */
export function WebhookMessage({ body, contentType }) {
	return html`<div class="webhook-request">
		<dl class="facts mono">
			<dt>POST</dt>
			<dd>your URL</dd>
			<dt>Content-Type</dt>
			<dd>${contentType}</dd>
			${HEADERS.map(
				([name, value]) =>
					html`<dt>${name}</dt>
						<dd>${value}</dd>`,
			)}
		</dl>
		<${Json} value=${body} label="The request's body" />
	</div>`;
}
