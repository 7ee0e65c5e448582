// SPDX-License-Identifier: Apache-2.0

/**
 * Saves an answer as a file: straight to the disk where the browser can, otherwise by a blob.
 * @param {string} name
 * @param {() => Promise<Response>} ask
 */
export async function save(name, ask) {
	const choose = /** @type {any} */ (window).showSaveFilePicker;
	const file = choose ? await chosen(choose, name) : undefined;
	if (file === null) return;
	const answer = await ask();
	try {
		if (file) await answer.body?.pipeTo(await file.createWritable());
		else download(await answer.blob(), name);
	} catch {
		throw new Error("The file could not be written to its end. Nothing is saved: try again.");
	}
}

/** The file that somebody chose; null when nobody chose one. @param {any} choose @param {string} suggestedName */
async function chosen(choose, suggestedName) {
	try {
		return await choose.call(window, { suggestedName });
	} catch (cause) {
		if (/** @type {Error} */ (cause).name === "AbortError") return null;
		throw cause;
	}
}

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(blob);
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
