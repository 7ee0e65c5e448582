// SPDX-License-Identifier: Apache-2.0
import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { Icon } from "./icon.js";

/** A question in front of the page. The browser keeps the focus inside and Escape closes it. @param {{title: string, onClose: () => void, children?: any}} props */
export function Dialog({ title, onClose, children }) {
	const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
	useEffect(() => {
		const before = /** @type {HTMLElement | null} */ (document.activeElement);
		box.current?.showModal();
		return () => before?.focus();
	}, []);
	return html`<dialog
		class="dialog"
		ref=${box}
		aria-label=${title}
		onClose=${onClose}
		onClick=${(/** @type {any} */ e) => e.target === box.current && onClose()}
	>
		<div class="dialog-body">
			<header class="dialog-head">
				<h2>${title}</h2>
				<button type="button" class="button quiet square" aria-label="Close" onClick=${onClose}>
					<${Icon} name="cross" />
				</button>
			</header>
			${children}
		</div>
	</dialog>`;
}
