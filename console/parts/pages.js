// SPDX-License-Identifier: Apache-2.0
// A list that goes on as one scrolls. By the API's cursors no row is skipped or shown twice.
import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";
import { Failure } from "./failure.js";
import { Skeleton } from "./skeleton.js";

/** @typedef {{before?: string, before_id?: string}} Cursor */
/** @typedef {{items: any[], next_before?: string, next_before_id?: string}} Page */

/** @param {Page} page @returns {Cursor | null} */
const next = (page) => (page.next_before ? { before: page.next_before, before_id: page.next_before_id } : null);

/**
 * @param {{read: (cursor: Cursor, signal: AbortSignal) => Promise<Page>, inputs: unknown[], row: (item: any) => any, empty: any, everyMs?: number}} props
 * everyMs: the first page is read again, while nobody has gone further
 */
export function Pages({ read, inputs, row, empty, everyMs = 0 }) {
	const items = useSignal(/** @type {any[] | null} */ (null));
	const cursor = useSignal(/** @type {Cursor | null} */ (null));
	const failure = useSignal(/** @type {unknown} */ (null));
	const busy = useSignal(false);
	const pages = useRef(0);
	const end = useRef(/** @type {HTMLElement | null} */ (null));
	const name = JSON.stringify(inputs);
	const reading = useRef(new AbortController());
	const reader = useRef(read);
	reader.current = read;

	async function more() {
		if (busy.value || !cursor.value) return;
		const { signal } = reading.current;
		busy.value = true;
		try {
			const page = await reader.current(cursor.value, signal);
			if (signal.aborted) return;
			items.value = [...(items.value ?? []), ...page.items];
			cursor.value = next(page);
			pages.current++;
			failure.value = null;
		} catch (error) {
			if (signal.aborted) return;
			failure.value = error;
		}
		busy.value = false;
	}

	useEffect(() => {
		const controller = new AbortController();
		reading.current = controller;
		async function first() {
			try {
				const page = await reader.current({}, controller.signal);
				if (controller.signal.aborted || pages.current > 1) return;
				items.value = page.items;
				cursor.value = next(page);
				pages.current = 1;
				failure.value = null;
			} catch (error) {
				if (!controller.signal.aborted) failure.value = error;
			}
		}
		items.value = null;
		cursor.value = null;
		busy.value = false;
		pages.current = 0;
		first();
		const timer = everyMs ? setInterval(() => document.hidden || pages.current > 1 || first(), everyMs) : 0;
		return () => {
			controller.abort();
			clearInterval(timer);
		};
	}, [name]);

	useEffect(() => {
		const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && !failure.value && more(), {
			rootMargin: "400px",
		});
		if (end.current) observer.observe(end.current);
		return () => observer.disconnect();
	}, [cursor.value]);

	if (items.value === null)
		return failure.value
			? html`<${Failure} error=${failure.value} />`
			: html`<div class="list-pad"><${Skeleton} lines=${5} /></div>`;
	if (!items.value.length && !cursor.value) return empty;
	return html`<ul class="rows">
			${items.value.map(row)}
		</ul>
		${failure.value ? html`<${Failure} error=${failure.value} onRetry=${more} />` : null}
		<div class="list-end" ref=${end}>
			${cursor.value
				? html`<button type="button" class="button small quiet" onClick=${more}>
						${busy.value ? "Loading …" : "Show more"}
					</button>`
				: html`<span class="dim small-text">That is all.</span>`}
		</div>`;
}
