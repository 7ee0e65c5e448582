// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

/** A provider by its colour and first letter; no logo. @param {{provider: string, size?: "small" | "large"}} props */
export function Tile({ provider, size = "small" }) {
	const letter = { googlechat: "G", webhook: "{}" }[provider] ?? provider.charAt(0).toUpperCase();
	return html`<span class=${`tile tile-${provider} ${size}`} aria-hidden="true">${letter}</span>`;
}
