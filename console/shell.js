// SPDX-License-Identifier: Apache-2.0
// The frame around every page: where one can go, and which page is shown.
import { followAddress, place } from "./address.js";
import { html } from "./html.js";
import { Icon } from "./parts/icon.js";
import { Mark } from "./parts/mark.js";
import { LivePage } from "./live/page.js";
import { followWish } from "./live/feed.js";
import { later } from "./parts/later.js";
import { Skeleton } from "./parts/skeleton.js";
import { hasKey } from "./key.js";
import { forgetKey, isOperator, signedIn } from "./session.js";
import { signIn } from "./signin/sign_in.js";
import { useEffect, useRef } from "./vendor/hooks.js";
import { render } from "./vendor/preact.js";

const PAGES = [
	{ page: "live", name: "Live" },
	{ page: "waiting", name: "Waiting" },
	{ page: "channels", name: "Channels" },
	{ page: "audit", name: "Audit" },
];

const arriving = html`<div class="page"><${Skeleton} lines=${8} /></div>`;
const SignInPage = later(async () => (await import("./signin/page.js")).SignInPage);

/** Pages other than the first are read when somebody goes there. @type {Record<string, (props: any) => any>} */
const VIEWS = {
	live: LivePage,
	waiting: later(async () => (await import("./waiting/page.js")).WaitingPage, arriving),
	channels: later(async () => (await import("./channels/routes.js")).ChannelRoutes, arriving),
	events: later(async () => (await import("./event/page.js")).EventPage, arriving),
	audit: later(async () => (await import("./audit/page.js")).AuditPage, arriving),
	operator: later(async () => (await import("./operator/page.js")).OperatorPage, arriving),
};

function Navigation() {
	const links = isOperator.value ? [...PAGES, { page: "operator", name: "Operator" }] : PAGES;
	const current = place.value.page === "events" ? "live" : place.value.page;
	return html`<header class="side">
		<a class="brand" href="#/live"><${Mark} /><span>Wrenn events</span></a>
		<nav class="nav" aria-label="Pages">
			${links.map(
				({ page, name }) =>
					html`<a class="nav-link" href=${`#/${page}`} aria-current=${page === current ? "page" : undefined}
						><${Icon} name=${page} /><span>${name}</span></a
					>`,
			)}
		</nav>
		<div class="side-foot">
			${hasKey()
				? html`<button type="button" class="nav-link" onClick=${() => forgetKey()}>
						<${Icon} name="out" /><span>Sign out</span>
					</button>`
				: html`<span class="dim small-text">Signed in by your session</span>`}
		</div>
	</header>`;
}

function Unknown() {
	return html`<div class="page">
		<h1>There is no such page</h1>
		<p>The link may be old. <a href="#/live">Go to the live events</a>.</p>
	</div>`;
}

export function show() {
	followAddress();
	signIn();
	if (signedIn.value === "in" && place.value.page === "live") followWish();
	render(html`<${Shell} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
}

/** Another page begins at its top, for the keyboard and for readers, too. @param {string} path */
function useBeginning(path) {
	const before = useRef(path);
	useEffect(() => {
		if (before.current === path) return;
		before.current = path;
		scrollTo(0, 0);
		document.getElementById("main")?.focus({ preventScroll: true });
	}, [path]);
}

function Shell() {
	const { page, rest } = place.value;
	useBeginning([page, ...rest].join("/"));
	useEffect(() => {
		document.title = `${page.charAt(0).toUpperCase()}${page.slice(1)} · Wrenn events`;
	}, [page]);
	if (signedIn.value === "out") return html`<${SignInPage} />`;
	const Page = VIEWS[page] ?? Unknown;
	return html`<div class="frame">
		<a class="skip" href="#main" onClick=${skip}>Skip to the page</a>
		<${Navigation} />
		<main id="main" class="main" tabindex="-1"><${Page} /></main>
	</div>`;
}

/** The fragment is the page's address, so the jump is made here. @param {MouseEvent} event */
function skip(event) {
	event.preventDefault();
	document.getElementById("main")?.focus();
}
