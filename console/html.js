// SPDX-License-Identifier: Apache-2.0
// Templates: `html` makes nodes of preact out of a tagged string, in the browser, without a compiler.
import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

/** @typedef {import("./vendor/preact.js").VNode<any>} Node */

/** @type {(strings: TemplateStringsArray, ...values: any[]) => Node} */
export const html = /** @type {any} */ (htm.bind(/** @type {any} */ (h)));
