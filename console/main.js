// SPDX-License-Identifier: Apache-2.0
// The stream is asked for while everything else is still being read.
import { openEarly, placeNow, streamQuery, wishesIn } from "./early.js";
import { hasKey, hasSession, takeKey } from "./key.js";

takeKey();
const { page, query } = placeNow();
if (page === "live" && (hasKey() || hasSession())) openEarly("events/stream", streamQuery(wishesIn(query)));
(await import("./shell.js")).show();
