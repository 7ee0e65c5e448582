// SPDX-License-Identifier: Apache-2.0
import { h, render } from "./vendor/preact.js";

const root = document.getElementById("app");
if (root) render(h("h1", null, "Wrenn events"), root);
