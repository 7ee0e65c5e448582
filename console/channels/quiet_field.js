// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { Check } from "../parts/check.js";

const DAYS = /** @type {const} */ (["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);

/** @typedef {NonNullable<SetOptions["quiet"]>} Quiet */

/** Hours in which nothing is sent, by the clocks of a zone. @param {{quiet: SetOptions["quiet"], onChange: (changed: SetOptions) => void}} props */
export function QuietField({ quiet, onChange }) {
	/** @param {Partial<Quiet>} changed */
	function set(changed) {
		const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
		onChange({ quiet: { zone, from: "22:00", to: "08:00", let_through: ["failures"], ...quiet, ...changed } });
	}
	return html`<${Check}
			name="quiet"
			title="Quiet hours"
			help="What happens then is held. One digest says it at the end; a webhook gets every event."
			checked=${Boolean(quiet)}
			onChange=${(/** @type {boolean} */ wanted) => (wanted ? set({}) : onChange({ quiet: null }))}
		/>
		${quiet ? html`<${Hours} quiet=${quiet} set=${set} />` : null}`;
}

/** @param {{quiet: Quiet, set: (changed: Partial<Quiet>) => void}} props */
function Hours({ quiet, set }) {
	const days = quiet.days ?? DAYS;
	/** @param {"from" | "to" | "zone"} name @param {string} words @param {string} [type] */
	const field = (name, words, type = "time") =>
		html`<label
			><span class="field-name">${words}</span>
			<input
				class="input"
				type=${type}
				name=${name}
				list=${name === "zone" ? "zones" : undefined}
				value=${quiet[name]}
				required
				onChange=${(/** @type {any} */ e) => set({ [name]: e.target.value.trim() })}
		/></label>`;
	/** @param {typeof DAYS[number]} day @param {boolean} wanted */
	function setDay(day, wanted) {
		const chosen = DAYS.filter((one) => (one === day ? wanted : days.includes(one)));
		set({ days: chosen.length < 7 ? chosen : undefined });
	}
	return html`<div class="quiet-hours">
		<div class="filters">${field("from", "From")} ${field("to", "To")} ${field("zone", "Zone", "text")}</div>
		<datalist id="zones">
			${Intl.supportedValuesOf("timeZone").map((zone) => html`<option value=${zone} />`)}
		</datalist>
		<fieldset class="filters">
			<legend class="field-name">They begin on</legend>
			${DAYS.map(
				(day) =>
					html`<label class="check"
						><input
							type="checkbox"
							name=${day}
							checked=${days.includes(day)}
							disabled=${String(days) === day}
							onChange=${(/** @type {any} */ e) => setDay(day, e.target.checked)}
						/>${day.charAt(0).toUpperCase() + day.slice(1)}</label
					>`,
			)}
		</fieldset>
		<${Check}
			name="let-through"
			title="Failures are sent all the same"
			help="So are hosts that go down, and what the team expects and does not come."
			checked=${Boolean(quiet.let_through?.length)}
			onChange=${(/** @type {boolean} */ wanted) => set({ let_through: wanted ? ["failures"] : [] })}
		/>
	</div>`;
}

/** @param {Quiet} quiet */
export const quietInWords = ({ from, to, zone, days }) =>
	`quiet from ${from} to ${to} (${days ? `${days.join(", ")}, ` : ""}${zone})`;
