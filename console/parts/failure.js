// SPDX-License-Identifier: Apache-2.0
import { ApiError } from "../api.js";
import { html } from "../html.js";
import { Icon } from "./icon.js";

/** What one can do about an error, by its code. @type {Record<string, string>} */
const ADVICE = {
	unreachable: "Check that it runs and that this machine is online, then try again.",
	unauthorized: "Sign in again with a key that is valid.",
	forbidden: "Ask an owner of the team for a key or a role that may do this.",
	not_found: "It may have been deleted. Go back to the list.",
	rate_limited: "Wait a moment, then try again.",
	service_unavailable: "The service cannot reach Redis or its database. Try again in a few seconds.",
	internal_error: "Try again. If it keeps failing, look at the service's log.",
};

/** @param {unknown} error */
export function messageOf(error) {
	const text = error instanceof Error ? error.message : String(error);
	const sentence = text.charAt(0).toUpperCase() + text.slice(1);
	return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** What happened and what to do. @param {{error: unknown, onRetry?: () => void}} props */
export function Failure({ error, onRetry }) {
	const advice = error instanceof ApiError ? ADVICE[error.code] : undefined;
	return html`<div class="notice bad" role="alert">
		<${Icon} name="warn" />
		<div>
			<p class="notice-text">${messageOf(error)}</p>
			${advice ? html`<p class="notice-more">${advice}</p>` : null}
		</div>
		${onRetry ? html`<button type="button" class="button small" onClick=${onRetry}>Try again</button>` : null}
	</div>`;
}
