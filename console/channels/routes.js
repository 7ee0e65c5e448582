// SPDX-License-Identifier: Apache-2.0
// The pages below #/channels.
import { place } from "../address.js";
import { ChannelPage } from "../channel/page.js";
import { html } from "../html.js";
import { CreatePage } from "./create.js";
import { ListPage } from "./list.js";

export function ChannelRoutes() {
	const [first, second] = place.value.rest;
	if (!first) return html`<${ListPage} />`;
	if (first === "new") return html`<${CreatePage} key="new" />`;
	return html`<${ChannelPage} key=${first} id=${first} part=${second ?? ""} />`;
}
