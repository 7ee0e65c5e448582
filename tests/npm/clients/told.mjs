// SPDX-License-Identifier: Apache-2.0
// What the clients have in common: the test's wishes come in WRENN_TEST_CLIENT, every message goes to standard output as
// one line of JSON with the number of its stream, and the end of standard input ends the client, however the test ended.
export const wishes = JSON.parse(process.env.WRENN_TEST_CLIENT);

export function tell(stream, event, id, data) {
	process.stdout.write(JSON.stringify({ stream, event, id, data: JSON.parse(data) }) + "\n");
}

export function whenTheTestEnds(close) {
	process.stdin.resume();
	process.stdin.on("end", async () => {
		await close();
		process.exit(0);
	});
}
