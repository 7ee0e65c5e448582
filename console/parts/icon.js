// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";

/** Lines in a square of 20. @type {Record<string, string>} */
const SHAPES = {
	live: "M2.5 10h3.2l2.2-6 4 12 2.3-6h3.3",
	waiting: "M5 2.8h10M5 17.2h10M6 3v3.2L10 10l4-3.8V3M6 17v-3.2L10 10l4 3.8V17",
	channels: "M3 9.2v1.6a1 1 0 0 0 1 1h2.5l6.5 4.4V3.8L6.5 8.2H4a1 1 0 0 0-1 1ZM16 7.5a3.6 3.6 0 0 1 0 5",
	audit: "M5 2.8h7l3.5 3.5v11H5ZM12 2.8v3.7h3.5M7.8 10h4.8M7.8 13.4h4.8",
	operator: "M3 5.5h8M15 5.5h2M3 14.5h2M9 14.5h8M13 3.3v4.4M7 12.3v4.4",
	out: "M8 3.5H4.5v13H8M12.5 6.5 16 10l-3.5 3.5M16 10H8",
	plus: "M10 4v12M4 10h12",
	check: "m4 10.5 4 4 8-9",
	cross: "m5 5 10 10M15 5 5 15",
	warn: "M10 3 18 17H2ZM10 8.5v3.7M10 14.5v.3",
	pause: "M7 4.5v11M13 4.5v11",
	play: "M6.5 4v12L15.5 10Z",
	copy: "M7 7V3.5h9.5V13H13M3.5 7H13v9.5H3.5Z",
	search: "M8.8 14.5a5.7 5.7 0 1 0 0-11.4 5.7 5.7 0 0 0 0 11.4ZM13 13l4 4",
	right: "m8 5 5 5-5 5",
	down: "m5 8 5 5 5-5",
	up: "M10 16V4.5M5 9l5-5 5 5",
	back: "M16 10H4.5M9 5l-5 5 5 5",
	again: "M16 6.5A6.7 6.7 0 1 0 16.7 11M16.5 3v3.8h-3.8",
	send: "M3 10 17 3.5 12.5 17 9.5 11.5Z",
	trash: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.8 11h7.4l.8-11",
	edit: "M4 16l.8-3.6L13 4.2l2.8 2.8-8.2 8.2Z",
	key: "M12.5 11a4 4 0 1 0-3.7-2.4L3.5 14v2.5H6V15h1.6v-1.6h1.6l1.6-2.7",
	download: "M10 3.5V13M5.5 9l4.5 4.5L14.5 9M4 16.5h12",
	folded: "M3.5 6h13M5.5 10h9M7.5 14h5",
	dot: "M10 8.2v3.6",
};

/** @param {{name: string, size?: number}} props */
export function Icon({ name, size = 18 }) {
	return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 20 20" aria-hidden="true">
		<path d=${SHAPES[name] ?? SHAPES.dot} />
	</svg>`;
}
