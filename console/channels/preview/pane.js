// SPDX-License-Identifier: Apache-2.0
// Beside the form: the message, of a sample one can choose, with its size and what was cut.
import { ApiError, preview as askPreview } from "../../api.js";
import { number } from "../../format.js";
import { html } from "../../html.js";
import { KINDS } from "../../kinds.js";
import { Failure } from "../../parts/failure.js";
import { Icon } from "../../parts/icon.js";
import { Json } from "../../parts/json.js";
import { Skeleton } from "../../parts/skeleton.js";
import { Tabs } from "../../parts/tabs.js";
import { Time } from "../../parts/time.js";
import { useEffect } from "../../vendor/hooks.js";
import { useSignal } from "../../vendor/signals.js";
import { Message } from "./message.js";
import { sampleEvent } from "./sample.js";

const PAUSE_MS = 250;
/** Stages of a message that is edited later. */
const STAGES = ["First message", "After an edit"];

/** @typedef {{field?: string, message: string}} Wrong */

/**
 * @param {{provider: Provider, config: Record<string, string> | null, kinds: string[], options: SetOptions, onChecked: (wrong: Wrong | null, warnings: string[]) => void}} props
 * config: null as long as something is missing; a sample stands in then
 */
export function PreviewPane({ provider, config, kinds, options, onChecked }) {
	const kind = useSignal(kinds[0] ?? "capsule.create");
	const outcome = useSignal("success");
	const raw = useSignal(false);
	const stage = useSignal(STAGES[0]);
	const answer = useSignal(/** @type {Preview | null} */ (null));
	const failure = useSignal(/** @type {unknown} */ (null));
	const isDigest = outcome.value === "digest" && provider !== "webhook";

	useEffect(() => {
		const controller = new AbortController();
		const message = isDigest
			? { provider, digest: true }
			: { ...options, provider, event: sampleEvent(kind.value, outcome.value) };
		/** @param {Record<string, string>} [settings] */
		const ask = (settings) => askPreview(settings ? { ...message, config: settings } : message, controller.signal);
		async function load() {
			try {
				if (config) {
					try {
						answer.value = await ask(config);
						onChecked(null, answer.value.warnings ?? []);
						failure.value = null;
						return;
					} catch (error) {
						if (!(error instanceof ApiError) || error.status !== 400) throw error;
						onChecked({ field: error.field, message: error.message }, []);
					}
				} else onChecked(null, []);
				answer.value = await ask();
				failure.value = null;
			} catch (error) {
				if (!controller.signal.aborted) failure.value = error;
			}
		}
		const timer = setTimeout(load, answer.value?.provider === provider ? PAUSE_MS : 0);
		return () => {
			clearTimeout(timer);
			controller.abort();
		};
	}, [provider, JSON.stringify([config, options]), kind.value, outcome.value]);

	const first = answer.value?.provider === provider ? answer.value : null;
	const edited = first?.edited_body;
	const shown = first && edited && stage.value === STAGES[1] ? { ...first, body: edited } : first;
	return html`<section class="card preview" aria-label="Preview">
		<header class="preview-head">
			<h2>Preview</h2>
			<button type="button" class="button small quiet" onClick=${() => (raw.value = !raw.value)}>
				${raw.value ? "Show message" : "Show JSON"}
			</button>
		</header>
		<div class="preview-sample">
			<label
				><span class="sr">Sample event</span>
				<select
					class="input"
					disabled=${isDigest}
					onChange=${(/** @type {any} */ e) => (kind.value = e.target.value)}
				>
					${KINDS.map(
						({ kind: name, done }) =>
							html`<option value=${name} selected=${name === kind.value}>${done}</option>`,
					)}
				</select>
			</label>
			<label
				><span class="sr">Sample outcome</span>
				<select class="input" onChange=${(/** @type {any} */ e) => (outcome.value = e.target.value)}>
					<option value="success" selected=${outcome.value === "success"}>that succeeds</option>
					<option value="error" selected=${outcome.value === "error"}>that fails</option>
					<option value="long" selected=${outcome.value === "long"}>with a very long name</option>
					${provider === "webhook"
						? null
						: html`<option value="digest" selected=${outcome.value === "digest"}>
								fifty at once: a digest
							</option>`}
				</select>
			</label>
		</div>
		${edited
			? html`<div class="preview-sample">
					<${Tabs}
						label="Which message"
						options=${STAGES}
						chosen=${stage.value}
						onChoose=${(/** @type {string} */ one) => (stage.value = one)}
					/>
				</div>`
			: null}
		${failure.value ? html`<${Failure} error=${failure.value} />` : null}
		<div class="preview-stage" aria-live="polite" tabindex="0" role="region" aria-label="The message">
			${!shown
				? failure.value
					? null
					: html`<${Skeleton} lines=${5} />`
				: raw.value
					? html`<${Json} value=${JSON.parse(shown.body)} label="The request as JSON" />`
					: html`<${Message} preview=${shown} />`}
		</div>
		${shown?.filtered
			? html`<p class="preview-filtered">
					<${Icon} name="warn" size=${14} />Not sent: the channel's filter keeps it out, by ${shown.filtered}.
				</p>`
			: null}
		${shown?.held_until
			? html`<p class="preview-filtered">
					<${Icon} name="pause" size=${14} /><span
						>At this hour it is held until <${Time} at=${shown.held_until} as="until" />.</span
					>
				</p>`
			: null}
		${shown ? html`<${Size} preview=${shown} />` : null}
	</section>`;
}

/** @param {{preview: Preview}} props */
function Size({ preview: { size, limit, unit, cuts } }) {
	const share = limit ? Math.min(100, (size / limit) * 100) : 0;
	return html`<footer class="preview-foot dim">
		${limit
			? html`<span class="meter" aria-hidden="true"
					><span style=${{ width: `${Math.max(1, share)}%` }}></span
				></span>`
			: null}
		<span>${number(size)}${limit ? ` of ${number(limit)}` : ""} ${unit}</span>
		${cuts.map(
			({ field, kept, of }) =>
				html`<span class="preview-cut"
					><${Icon} name="warn" size=${14} />${field} cut to ${number(kept)} of ${number(of)}</span
				>`,
		)}
	</footer>`;
}
