// SPDX-License-Identifier: Apache-2.0
// Signs in with the stored key or session cookie, or with a key the user types.
import { ApiError, checkCredentials, getStatus } from "../api.js";
import { hasKey, hasSession, keepKey } from "../key.js";
import { forgetKey, isOperator, signedIn } from "../session.js";

/** @param {unknown} error */
const isRefusal = (error) => error instanceof ApiError && (error.status === 401 || error.status === 403);

/** Signs in with the stored key or session. Refused requests sign out again. */
export function signIn() {
	if (!hasKey() && !hasSession()) return;
	signedIn.value = "in";
	lookForOperator();
}

/** @param {string} key */
export async function signInWith(key) {
	keepKey(key);
	try {
		await checkCredentials();
	} catch (error) {
		// A key that may only open streams is refused here and is good nevertheless.
		if (!isRefusal(error) || /** @type {ApiError} */ (error).status === 401) {
			forgetKey();
			throw error;
		}
	}
	signedIn.value = "in";
	await lookForOperator();
}

/** Only a session may be an operator's. */
async function lookForOperator() {
	if (hasKey()) return;
	const isAllowed = await getStatus().then(
		() => true,
		() => false,
	);
	// Somebody may have signed in with a key meanwhile.
	isOperator.value = isAllowed && !hasKey() && signedIn.value === "in";
}
