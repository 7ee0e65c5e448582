// SPDX-License-Identifier: Apache-2.0
// The newest event on top. Only visible rows exist. The list stands still while it is scrolled or paused.
import { count } from "../format.js";
import { html } from "../html.js";
import { Icon } from "../parts/icon.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";
import { ConditionNotice } from "./condition.js";
import { feed } from "./feed.js";
import { Row } from "./row.js";

const AROUND = 6;

/** How high a row is: two lines where the screen is narrow. */
const rowHeight = () => (matchMedia("(max-width: 700px)").matches ? 64 : 40);

/** The items that pass the search, oldest first, up to the one named by `until`. @param {string} text @param {number} until */
function shown(text, until) {
	const { items } = feed;
	if (!text && until === Infinity) return items;
	return items.filter((item) => item.seq <= until && (!text || item.words.includes(text)));
}

/** @param {{text: string, paused: SignalOf<boolean>, open: string, empty: any}} props */
export function List({ text, paused, open, empty }) {
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	const top = useSignal(0);
	const height = useSignal(600);
	const row = useSignal(rowHeight());
	/** The last item shown while the list stands still. */
	const held = useSignal(Infinity);

	useEffect(() => {
		const element = box.current;
		if (!element) return undefined;
		const observer = new ResizeObserver(() => {
			height.value = element.clientHeight;
			row.value = rowHeight();
		});
		observer.observe(element);
		return () => observer.disconnect();
	}, []);

	const still = paused.value || top.value > row.value;
	useEffect(() => {
		held.value = still ? (feed.items.at(-1)?.seq ?? -1) : Infinity;
	}, [still]);

	void feed.version.value;
	const items = shown(text, held.value);
	const waiting =
		held.value === Infinity
			? 0
			: feed.items.filter((item) => item.seq > held.value && (!text || item.words.includes(text))).length;
	const first = Math.max(0, Math.floor(top.value / row.value) - AROUND);
	const last = Math.min(items.length, Math.ceil((top.value + height.value) / row.value) + AROUND);
	const rows = [];
	for (let at = first; at < last; at++) {
		const item = items[items.length - 1 - at];
		rows.push(
			html`<${Row}
				key=${item.seq}
				item=${item}
				top=${at * row.value}
				place=${at + 1}
				of=${items.length}
				open=${open !== "" && (open === item.id || open === String(item.seq))}
			/>`,
		);
	}
	function jump() {
		paused.value = false;
		held.value = Infinity;
		box.current?.scrollTo({ top: 0 });
	}
	return html`<section class="feed card" aria-label="Events">
		<${ConditionNotice} />
		${waiting
			? html`<button type="button" class="jump" onClick=${jump}>
					<${Icon} name="up" size=${16} />${count(waiting, "new event")}
				</button>`
			: null}
		<div class="feed-head" aria-hidden="true">
			<span>Time</span><span>What</span><span>Resource</span><span>By</span>
		</div>
		<div
			class="feed-box"
			ref=${box}
			tabindex="0"
			role="list"
			aria-label="Events, newest first"
			onScroll=${(/** @type {any} */ e) => (top.value = e.target.scrollTop)}
			onKeyDown=${walk}
		>
			${items.length
				? html`<div class="feed-space" style=${{ height: `${items.length * row.value}px` }}>${rows}</div>`
				: empty}
		</div>
		<p class="feed-foot dim">
			${items.length
				? `${count(items.length, "event")} shown${text ? ` of ${feed.items.length}` : ""}${paused.value ? ", paused" : ""}`
				: ""}
		</p>
	</section>`;
}

/** The arrows go from row to row. @param {KeyboardEvent} event */
function walk(event) {
	if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
	const box = /** @type {HTMLElement} */ (event.currentTarget);
	const links = [...box.querySelectorAll("a")].sort(
		(a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top,
	);
	const at = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
	const next = at < 0 ? links[0] : links[at + (event.key === "ArrowDown" ? 1 : -1)];
	if (!next) return;
	event.preventDefault();
	next.focus();
}
