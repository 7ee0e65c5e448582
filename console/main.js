// SPDX-License-Identifier: Apache-2.0
// The stream is asked for while the views are still being read.
import { followAddress, place } from "./address.js";
import { followWish } from "./live/wish.js";
import { signedIn, takeKey } from "./session.js";
import { signIn } from "./signin/sign_in.js";

takeKey();
followAddress();
signIn();
if (signedIn.value === "in" && place.value.page === "live") followWish();
(await import("./shell.js")).show();
