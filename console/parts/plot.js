// SPDX-License-Identifier: Apache-2.0
// uPlot in the console's colours. The library is read when the first plot is drawn.
import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {(number | null)[]} values
 * @property {"good" | "bad" | "plain"} tone
 */

/** @type {Promise<typeof import("uplot")> | undefined} */
let library;

function loadLibrary() {
	library ??= new Promise((resolve, reject) => {
		const script = document.createElement("script");
		script.src = new URL("../vendor/uplot.js", import.meta.url).href;
		script.onload = () => resolve(/** @type {any} */ (window.uPlot));
		script.onerror = () => {
			script.remove();
			library = undefined; // the next plot asks again
			reject(new Error("uPlot could not be read"));
		};
		document.head.append(script);
	});
	return library;
}

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const DAY_S = 86_400;
const TONES = /** @type {const} */ ({ good: "--good-line", bad: "--bad-line", plain: "--text-dim" });

/** Each series on top of the ones before it. @param {Series[]} series */
function stacked(series) {
	/** @type {number[]} */
	let below = [];
	return series.map(({ values }) => {
		below = values.map((value, index) => (value ?? 0) + (below[index] ?? 0));
		return below;
	});
}

/** @param {number} value */
const short = (value) => (value >= 10_000 ? `${Math.round(value / 1000)}k` : String(value));

/**
 * @param {any} uPlot
 * @param {{kind: "bars" | "lines", series: Series[], height: number, width: number, unit?: string, step?: number, ordinal?: boolean, days: boolean}} wish
 */
function options(uPlot, { kind, series, height, width, unit = "", step = 60, ordinal = false, days }) {
	const bars = uPlot.paths.bars({ size: [0.72, 28], radius: 0.15, align: kind === "bars" ? 1 : 0 });
	const axis = {
		stroke: colour("--text-dim"),
		font: '12px "Inter", system-ui, sans-serif',
		ticks: { show: false },
		gap: 6,
	};
	// The highest of a stack is drawn first, the others over it.
	const drawn = kind === "bars" ? [...series].reverse() : series;
	return {
		width,
		height,
		padding: [8, 28, 0, 0],
		legend: { show: false },
		cursor: { show: false },
		scales: {
			x: {
				time: !ordinal,
				// Bars begin at their label, so the last one needs room after it.
				range: (/** @type {any} */ _, /** @type {number} */ min, /** @type {number} */ max) =>
					kind === "bars" ? [min, max + step] : [min, Math.max(max, min + 1)],
			},
			y: {
				range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ max) => [
					0,
					Math.max(1, max * 1.1),
				],
			},
		},
		axes: [
			{
				...axis,
				size: 26,
				grid: { show: false },
				space: 70,
				incrs: ordinal ? [1, 2, 5, 10, 20, 50, 100] : days ? [1, 2, 5, 10].map((n) => n * DAY_S) : undefined,
				values: ordinal ? undefined : days ? "{D} {MMM}" : step < 60 ? "{HH}:{mm}:{ss}" : "{HH}:{mm}",
			},
			{
				...axis,
				size: unit ? 60 : 44,
				grid: { stroke: colour("--line"), width: 1 },
				space: 34,
				values: (/** @type {any} */ _, /** @type {number[]} */ values) =>
					values.map((value) => (Number.isInteger(value) ? short(value) + unit : "")),
			},
		],
		series: [
			{},
			...drawn.map(({ name, tone }) => ({
				label: name,
				stroke: colour(TONES[tone]),
				fill: kind === "bars" ? colour(TONES[tone]) : undefined,
				width: kind === "bars" ? 0 : 2,
				paths: kind === "bars" ? bars : undefined,
				points: { show: false },
			})),
		],
	};
}

/**
 * @param {{kind: "bars" | "lines", labels: number[], series: Series[], height?: number, label: string, unit?: string, step?: number, ordinal?: boolean}} props
 * labels are seconds
 */
export function Plot({ kind, labels, series, height = 160, label, unit, step, ordinal }) {
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	const plot = useRef(/** @type {any} */ (null));
	const again = useSignal(0);
	const columns = kind === "bars" ? stacked(series).reverse() : series.map(({ values }) => values);
	const data = useRef(/** @type {any} */ (null));
	data.current = [labels, ...columns];
	const days = !ordinal && labels[labels.length - 1] - labels[0] > 2 * DAY_S;
	useEffect(() => {
		const element = box.current;
		if (!element) return undefined;
		let gone = false;
		const scheme = matchMedia("(prefers-color-scheme: dark)");
		const redraw = () => again.value++;
		scheme.addEventListener("change", redraw);
		const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
		loadLibrary().then(
			(uPlot) => {
				if (gone) return;
				plot.current = new /** @type {any} */ (uPlot)(
					options(uPlot, { kind, series, height, width: element.clientWidth, unit, step, ordinal, days }),
					data.current,
					element,
				);
				observer.observe(element);
			},
			() => {
				element.textContent = "The plot could not be drawn. Load the page again.";
			},
		);
		return () => {
			gone = true;
			observer.disconnect();
			scheme.removeEventListener("change", redraw);
			plot.current?.destroy();
			plot.current = null;
		};
	}, [kind, series.length, height, step, days, again.value]);
	useEffect(() => plot.current?.setData(data.current), [JSON.stringify(data.current)]);
	return html`<div class="plot" role="img" aria-label=${label} ref=${box} style=${{ height: `${height}px` }}></div>`;
}
