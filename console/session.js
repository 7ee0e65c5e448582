// SPDX-License-Identifier: Apache-2.0
// Who is signed in.
import { dropKey, isMine } from "./key.js";
import { signal } from "./vendor/signals.js";

/** Whoever has a key or a session is in, until an answer refuses it. @type {SignalOf<"out" | "in">} */
export const signedIn = signal("out");
/** Why one was signed out; "" if one did it oneself. */
export const signedOutBecause = signal("");
/** May this person see the operator's page? */
export const isOperator = signal(false);

/** @param {string} [why] */
export function forgetKey(why = "") {
	dropKey();
	signedOutBecause.value = why;
	signedIn.value = "out";
	isOperator.value = false;
}

/**
 * Signs out who sent these header fields; not whoever has signed in since.
 * @param {Record<string, string>} sent
 * @param {string} why
 */
export function forgetRefused(sent, why) {
	if (isMine(sent)) forgetKey(why);
}
