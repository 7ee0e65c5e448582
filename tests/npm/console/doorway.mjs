// SPDX-License-Identifier: Apache-2.0
// A proxy between browser and service that can be closed: open connections break, and no new one gets in until it is opened again.
import net from "node:net";

export async function doorway(target) {
	const { hostname, port } = new URL(target);
	const pairs = new Set();
	let isShut = false;
	const server = net.createServer((client) => {
		if (isShut) return client.destroy();
		const service = net.connect(Number(port), hostname);
		const pair = [client, service];
		pairs.add(pair);
		for (const [from, to] of [pair, [...pair].reverse()]) {
			from.pipe(to);
			from.on("error", () => to.destroy());
			from.on("close", () => pairs.delete(pair) && to.destroy());
		}
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		origin: `http://127.0.0.1:${server.address().port}`,
		shut() {
			isShut = true;
			for (const [client, service] of pairs) {
				client.destroy();
				service.destroy();
			}
		},
		open() {
			isShut = false;
		},
	};
}
