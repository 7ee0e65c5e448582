// SPDX-License-Identifier: Apache-2.0
// What the address wishes of the stream.
import { place } from "../address.js";
import { isOperator } from "../session.js";
import { feed } from "./feed.js";
import { streamQuery, wishesIn } from "./query.js";

export const wishes = () => wishesIn(place.value.query);

/** Follows the stream that is wished for. */
export function followWish() {
	const wish = wishes();
	feed.follow(wish.everyone && isOperator.value ? "admin/events/stream" : "events/stream", streamQuery(wish));
}
