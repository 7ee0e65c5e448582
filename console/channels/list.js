// SPDX-License-Identifier: Apache-2.0
import { getChannelActivity, getHealth, listChannels } from "../api.js";
import { count, duration, number, waiting } from "../format.js";
import { html } from "../html.js";
import { Empty } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { Time } from "../parts/time.js";
import { providerInfo } from "./providers.js";
import { Spark } from "../parts/spark.js";
import { StatePill, Trouble } from "./state.js";
import { Tile } from "./tile.js";

export function ListPage() {
	const channels = useLoad(listChannels, [], 15_000);
	return html`<div class="page">
		<header class="page-head">
			<div>
				<h1>Channels</h1>
				<p class="lead">Where your team gets its notifications.</p>
			</div>
			<a class="button primary" href="#/channels/new"><${Icon} name="plus" size=${16} />Connect a channel</a>
		</header>
		<${Loaded} of=${channels} lines=${6}>
			${(/** @type {Channel[]} */ list) =>
				list.length
					? html`<ul class="channel-grid">
							${list.map(
								(channel) => html`<li key=${channel.id}><${ChannelCard} channel=${channel} /></li>`,
							)}
						</ul>`
					: html`<div class="card">
							<${Empty} icon="channels" title="No channel yet">
								<p>
									Connect Slack, Teams, Discord, Google Chat, Telegram, Matrix or a webhook. It takes
									a minute, and you see the message before anything is sent.
								</p>
								<a class="button primary" href="#/channels/new"
									><${Icon} name="plus" size=${16} />Connect a channel</a
								>
							<//>
						</div>`}
		<//>
	</div>`;
}

/** @param {{channel: Channel}} props */
function ChannelCard({ channel }) {
	const { value: health } = useLoad(
		(signal) => getHealth(channel.id, signal),
		[channel.id, channel.updated_at, channel.disabled],
		15_000,
	);
	const { value: activity } = useLoad(
		(signal) => getChannelActivity(channel.id, "24h", signal),
		[channel.id],
		60_000,
	);
	const found = health.value;
	const day = activity.value;
	return html`<article class="card channel-card">
		<header class="channel-head">
			<${Tile} provider=${channel.provider} />
			<div class="grow">
				<h2 class="cut"><a class="cover" href=${`#/channels/${channel.id}`}>${channel.name}</a></h2>
				<p class="dim small-text">
					${providerInfo(channel.provider).name} ·
					${count(channel.events.length, "kind of event", "kinds of events")}
				</p>
			</div>
			<${StatePill} channel=${channel} health=${found} />
		</header>
		<${Trouble} channel=${channel} health=${found} />
		${day
			? html`<div class="spark-box">
					<${Spark}
						done=${day.delivered}
						failed=${day.failed.map((value, index) => value + day.retried[index])}
						label=${dayInWords(day)}
					/>
					<p class="dim spark-words">${dayInWords(day)}</p>
				</div>`
			: null}
		<dl class="figures">
			<div>
				<dt>Waiting</dt>
				<dd>${found ? waiting(found.backlog) : "…"}</dd>
			</div>
			<div>
				<dt>Last success</dt>
				<dd>
					${found?.last_success_at
						? html`<${Time} at=${found.last_success_at} as="ago" />`
						: found
							? "none yet"
							: "…"}
				</dd>
			</div>
			<div>
				<dt>Pace</dt>
				<dd>${pace(found)}</dd>
			</div>
		</dl>
	</article>`;
}

/** @param {Health | undefined} health */
function pace(health) {
	if (!health) return "…";
	const interval = health.pace?.interval_ms;
	return interval ? `1 per ${duration(interval)}` : "no limit";
}

/** @param {ChannelActivity} day */
function dayInWords({ delivered, failed, retried }) {
	const sum = (/** @type {number[]} */ values) => values.reduce((total, value) => total + value, 0);
	const bad = sum(failed) + sum(retried);
	return `${number(sum(delivered))} delivered in 24 hours${bad ? `, ${count(bad, "attempt")} failed` : ""}`;
}
