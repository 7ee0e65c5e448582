// SPDX-License-Identifier: Apache-2.0
import { followAddress } from "./address.js";
import { html } from "./html.js";
import { takeKey } from "./session.js";
import { Shell } from "./shell.js";
import { signIn } from "./signin/sign_in.js";
import { render } from "./vendor/preact.js";

takeKey();
followAddress();
const root = document.getElementById("app");
if (root) render(html`<${Shell} />`, root);
signIn();
