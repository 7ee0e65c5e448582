// SPDX-License-Identifier: Apache-2.0
// The HTML of a chat message. It is parsed into a document that runs nothing. Tags that are not in the list leave their text.
import { h } from "../../vendor/preact.js";

const KEPT = new Set([
	"b",
	"strong",
	"i",
	"em",
	"u",
	"s",
	"code",
	"pre",
	"blockquote",
	"h4",
	"ul",
	"ol",
	"li",
	"p",
	"br",
]);
const COLOUR = /^#[0-9a-fA-F]{6}$/;

/** @param {ChildNode} node @param {number} index @returns {any} */
function convert(node, index) {
	if (node.nodeType === 3) return node.textContent;
	if (node.nodeType !== 1) return null;
	const element = /** @type {Element} */ (node);
	const children = [...element.childNodes].map(convert);
	const tag = element.localName;
	if (KEPT.has(tag)) return h(tag, { key: index }, ...children);
	if (tag === "a")
		return h("span", { key: index, class: "msg-link", title: element.getAttribute("href") ?? "" }, ...children);
	const colour = element.getAttribute("color") ?? element.getAttribute("data-mx-color") ?? "";
	return h("span", { key: index, style: COLOUR.test(colour) ? { color: colour } : undefined }, ...children);
}

/** @param {{source: string}} props */
export function HtmlText({ source }) {
	const { body } = new DOMParser().parseFromString(source, "text/html");
	return [...body.childNodes].map(convert);
}
