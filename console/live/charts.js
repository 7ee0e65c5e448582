// SPDX-License-Identifier: Apache-2.0
import { RANGES } from "../early.js";
import { html } from "../html.js";
import { LaneChart } from "./lanes.js";
import { Rate } from "./rate.js";

/** @param {{range: keyof RANGES, filtered: boolean}} props */
export function Charts({ range, filtered }) {
	return html`<${Rate} range=${range} minutes=${RANGES[range]} filtered=${filtered} />
		<${LaneChart} minutes=${RANGES[range]} />`;
}
