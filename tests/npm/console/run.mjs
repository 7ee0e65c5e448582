// SPDX-License-Identifier: Apache-2.0
// Runs the walks that WRENN_TEST_CONSOLE names, one after another, each with what it needs to know. The first fault ends it.
import { begin, end } from "./browser.mjs";

let failed = false;
for (const [name, known] of Object.entries(JSON.parse(process.env.WRENN_TEST_CONSOLE))) {
	try {
		await begin(known);
		await import(`./${name}.mjs`);
	} catch (error) {
		console.error(`${name}: ${error.stack}`);
		failed = true;
		break;
	}
}
await end();
process.exit(failed ? 1 : 0);
