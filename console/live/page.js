// SPDX-License-Identifier: Apache-2.0
// Events as they come.
import { place, setQuery } from "../address.js";
import { wishesIn } from "../early.js";
import { html } from "../html.js";
import { later } from "../parts/later.js";
import { isOperator } from "../session.js";
import { useEffect } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";
import { Condition } from "./condition.js";
import { feed, followWish } from "./feed.js";
import { Filters } from "./filters.js";
import { List } from "./list.js";

// The events come first.
const Charts = later(async () => (await import("./charts.js")).Charts);
const Detail = later(async () => (await import("./detail.js")).Detail);
const Nothing = later(async () => (await import("./nothing.js")).Nothing);

export function LivePage() {
	const wish = wishesIn(place.value.query);
	const paused = useSignal(false);
	useEffect(followWish, [isOperator.value, wish.everyone, wish.kind, wish.resource, wish.outcome, wish.range]);
	const text = wish.text.trim().toLowerCase();
	const filtered = Boolean(wish.kind || wish.resource || wish.outcome);
	void feed.version.value;
	const open = wish.open
		? feed.items.find((item) => item.id === wish.open || String(item.seq) === wish.open)
		: undefined;
	return html`<div class="page live">
		<header class="page-head">
			<div>
				<h1>Live</h1>
				<p class="lead">What happens in your team, as it happens.</p>
			</div>
			<${Condition} />
		</header>
		<${Filters} wish=${wish} paused=${paused} />
		<section class="live-charts" aria-label="Charts">
			<${Charts} range=${wish.range} filtered=${filtered || wish.everyone} />
		</section>
		<div class=${`live-body${open ? " with-detail" : ""}`}>
			<${List}
				text=${text}
				paused=${paused}
				open=${wish.open}
				empty=${html`<${Nothing} filtered=${filtered || Boolean(text)} />`}
			/>
			${open ? html`<${Detail} item=${open} onClose=${() => setQuery({ open: undefined })} />` : null}
		</div>
	</div>`;
}
