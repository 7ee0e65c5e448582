// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { Code } from "../parts/code.js";
import { Icon } from "../parts/icon.js";
import { Tabs } from "../parts/tabs.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";
import { providerInfo } from "./providers.js";
import { SNIPPETS } from "./snippets.js";

/** A channel that was just made, with a webhook's secret: the only time it is shown. @param {{channel: NewChannel}} props */
export function Saved({ channel }) {
	const head = useRef(/** @type {HTMLElement | null} */ (null));
	useEffect(() => head.current?.focus(), []);
	return html`<div class="page narrow">
		<header class="page-head">
			<div>
				<a class="crumb" href="#/channels"><${Icon} name="back" size=${14} />Channels</a>
				<h1 tabindex="-1" ref=${head}>${channel.name} is connected</h1>
				<p class="lead">From now on ${providerInfo(channel.provider).name} gets the events that you chose.</p>
			</div>
		</header>
		${channel.secret ? html`<${Secret} secret=${channel.secret} />` : null}
		<div class="row-of-buttons">
			<a class="button primary" href=${`#/channels/${channel.id}`}>See the channel</a>
			<a class="button" href="#/channels">All channels</a>
		</div>
	</div>`;
}

/** @param {{secret: string}} props */
function Secret({ secret }) {
	const language = useSignal("Python");
	return html`<section class="card card-pad">
		<div class="notice">
			<${Icon} name="key" />
			<p class="notice-text">
				<strong>This is the only time the secret is shown.</strong> Copy it to where your receiver reads it, as
				<code>WRENN_SECRET</code>.
			</p>
		</div>
		<${Code} text=${secret} label="The secret" />
		<h2>Check the signature</h2>
		<${Tabs}
			label="Language"
			options=${Object.keys(SNIPPETS)}
			chosen=${language.value}
			onChoose=${(/** @type {string} */ name) => (language.value = name)}
		/>
		<${Code} text=${SNIPPETS[language.value]} label=${`Verification in ${language.value}`} />
		<p class="dim small-text">
			Libraries of Standard Webhooks verify <code>webhook-signature</code> with the same secret.
		</p>
	</section>`;
}
