// SPDX-License-Identifier: Apache-2.0
// One channel: how it is doing, and its deliveries.
import { getChannel, getHealth } from "../api.js";
import { optionsInWords } from "../channels/options_fields.js";
import { providerInfo } from "../channels/providers.js";
import { StatePill } from "../channels/state.js";
import { Tile } from "../channels/tile.js";
import { sentence } from "../kinds.js";
import { html } from "../html.js";
import { Icon } from "../parts/icon.js";
import { useLoad } from "../parts/load.js";
import { Loaded } from "../parts/loading.js";
import { useSignal } from "../vendor/signals.js";
import { Activity } from "./activity.js";
import { DeleteDialog } from "./delete.js";
import { Deliveries } from "./deliveries.js";
import { EditDialog } from "./edit.js";
import { EnableDialog } from "./enable.js";
import { HealthFacts } from "./health.js";
import { RecoverDialog } from "./recover.js";
import { SettingsPage } from "./settings.js";
import { SnoozeDialog, Snoozes } from "./snooze.js";

/** @type {Record<string, (props: any) => any>} */
const DIALOGS = {
	edit: EditDialog,
	enable: EnableDialog,
	recover: RecoverDialog,
	snooze: SnoozeDialog,
	delete: DeleteDialog,
};

/** @param {{id: string, part: string}} props */
export function ChannelPage({ id, part }) {
	const channel = useLoad((signal) => getChannel(id, signal), [id], 15_000);
	const health = useLoad((signal) => getHealth(id, signal), [id], 5000);
	const dialog = useSignal("");
	const changes = useSignal(0);
	/** @param {boolean} [changed] */
	function close(changed) {
		dialog.value = "";
		if (changed !== true) return;
		channel.again();
		health.again();
		changes.value++;
	}
	const Ask = DIALOGS[dialog.value];
	return html`<${Loaded} of=${channel} lines=${8}>
		${(/** @type {Channel} */ found) =>
			part === "settings"
				? html`<${SettingsPage} channel=${found} />`
				: html`<div class="page">
						<${Head}
							channel=${found}
							health=${health.value.value}
							onAsk=${(/** @type {string} */ name) => (dialog.value = name)}
						/>
						<${Snoozes} channel=${found} onChanged=${() => close(true)} />
						<${HealthFacts}
							channel=${found}
							health=${health}
							onAsk=${(/** @type {string} */ name) => (dialog.value = name)}
						/>
						<${Activity} id=${id} />
						<${Deliveries}
							id=${id}
							changes=${changes.value}
							onAsk=${(/** @type {string} */ name) => (dialog.value = name)}
						/>
						${Ask ? html`<${Ask} channel=${found} health=${health.value.value} onClose=${close} />` : null}
					</div>`}
	<//>`;
}

/** @param {{channel: Channel, health: Health | undefined, onAsk: (name: string) => void}} props */
function Head({ channel, health, onAsk }) {
	return html`<header class="page-head">
		<div class="grow">
			<a class="crumb" href="#/channels"><${Icon} name="back" size=${14} />Channels</a>
			<div class="title-line">
				<${Tile} provider=${channel.provider} size="large" />
				<div class="grow">
					<h1 class="wrap">${channel.name}</h1>
					<p class="lead">
						${providerInfo(channel.provider).name} · sends
						${channel.events.map((kind) => sentence(kind).toLowerCase()).join(", ")}${optionsInWords(
							channel,
						)}
					</p>
				</div>
			</div>
		</div>
		<div class="head-side">
			<${StatePill} channel=${channel} health=${health} />
			<div class="row-of-buttons">
				<button type="button" class="button" onClick=${() => onAsk("snooze")}>
					<${Icon} name="pause" size=${16} />Snooze …
				</button>
				<button type="button" class="button" onClick=${() => onAsk("edit")}>
					<${Icon} name="edit" size=${16} />Edit
				</button>
				<a class="button" href=${`#/channels/${channel.id}/settings`}
					><${Icon} name="key" size=${16} />Replace settings</a
				>
				<button type="button" class="button danger" onClick=${() => onAsk("delete")}>
					<${Icon} name="trash" size=${16} />Delete
				</button>
			</div>
		</div>
	</header>`;
}
