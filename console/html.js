// SPDX-License-Identifier: Apache-2.0
// Templates: `html` makes nodes of preact out of a tagged string, in the browser, without a compiler.
import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

/** @typedef {import("./vendor/preact.js").VNode<any>} Node */

const build = /** @type {(strings: readonly string[], ...values: any[]) => Node} */ (
	/** @type {any} */ (htm.bind(/** @type {any} */ (h)))
);

/** htm keeps what it parsed by the identity of the strings. @type {WeakMap<TemplateStringsArray, readonly string[]>} */
const joined = new WeakMap();

/**
 * The end of a line next to a word is a space, as in HTML; htm would leave it out. So lines may be broken anywhere in a sentence.
 * @param {TemplateStringsArray} strings
 */
function joinLines(strings) {
	const known = joined.get(strings);
	if (known) return known;
	const made = strings.map((text) =>
		text.replace(/([^\s>])\s*\n\s*(?=<|$)/g, "$1 ").replace(/(^|<\/[^<>]*>)\s*\n\s*(?=[^\s<])/g, "$1 "),
	);
	joined.set(strings, made);
	return made;
}

/** @type {(strings: TemplateStringsArray, ...values: any[]) => Node} */
export const html = (strings, ...values) => build(joinLines(strings), ...values);
