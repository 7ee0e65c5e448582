// SPDX-License-Identifier: Apache-2.0
// Asks the service whether the key, or the session's cookie, is good.
import { ApiError, checkCredentials, getStatus } from "../api.js";
import { forgetKey, hasKey, hasSession, isOperator, keepKey, signedIn } from "../session.js";

/** @param {unknown} error */
const isRefusal = (error) => error instanceof ApiError && (error.status === 401 || error.status === 403);

/** Signs in with what is at hand. With a key but without an answer the page opens, and says there what is wrong. */
export async function signIn() {
	if (!hasKey() && !hasSession()) {
		signedIn.value = "out";
		return;
	}
	try {
		await checkCredentials();
		signedIn.value = "in";
	} catch (error) {
		// A key that may only open streams is refused here and is good nevertheless.
		signedIn.value = hasKey() && !(error instanceof ApiError && error.status === 401) ? "in" : "out";
	}
	if (signedIn.value === "in") await lookForOperator();
}

/** @param {string} key */
export async function signInWith(key) {
	keepKey(key);
	try {
		await checkCredentials();
	} catch (error) {
		if (!isRefusal(error) || /** @type {ApiError} */ (error).status === 401) {
			forgetKey();
			throw error;
		}
	}
	signedIn.value = "in";
	await lookForOperator();
}

async function lookForOperator() {
	if (hasKey()) return;
	try {
		await getStatus();
		isOperator.value = true;
	} catch {
		isOperator.value = false;
	}
}
