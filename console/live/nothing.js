// SPDX-License-Identifier: Apache-2.0
import { setQuery } from "../address.js";
import { html } from "../html.js";
import { Code } from "../parts/code.js";
import { Empty } from "../parts/empty.js";

/** What to do where no event is shown. @param {{filtered: boolean}} props */
export function Nothing({ filtered }) {
	if (filtered) {
		return html`<${Empty} icon="search" title="No event passes these filters">
			<p>New ones appear here by themselves.</p>
			<button
				type="button"
				class="button"
				onClick=${() => setQuery({ event: "", resource: "", outcome: "", text: "" })}
			>
				Clear the filters
			</button>
		<//>`;
	}
	return html`<${Empty} icon="live" title="Nothing has happened lately">
		<p>Events appear here the moment they happen. To see one now, publish it on the machine of the service:</p>
		<${Code}
			text="wrenn-events publish capsule.create --team TEAM --resource cl-6dfzh5ik5uxynzmlf5cshamdk --outcome success"
			label="A command that publishes an event"
		/>
		<p>Or <a href="#/channels/new">connect Slack or another channel</a>, so that you need not watch.</p>
	<//>`;
}
