// SPDX-License-Identifier: Apache-2.0
// The API's types under short names, for all files. Only tsc reads this; it is not served.
type Schemas = import("./types/api.d.ts").components["schemas"];
type Channel = Schemas["Channel"];
type NewChannel = Schemas["NewChannel"];
type Health = Schemas["Health"];
type Delivery = Schemas["Delivery"];
type DeliveryDetail = Schemas["DeliveryDetail"];
type Explanation = Schemas["Explanation"];
type AuditEntry = Schemas["AuditEntry"];
type AuditPage = Schemas["AuditPage"];
type DeliveryPage = Schemas["DeliveryPage"];
type StreamEvent = Schemas["Event"];
type Preview = Schemas["Preview"];
type ChannelActivity = Schemas["ChannelActivity"];
type EventActivity = Schemas["EventActivity"];
type SetOptions = Schemas["SetOptions"];
type Expectation = Schemas["Expectation"];
type PendingSnapshots = Schemas["PendingSnapshots"];
type AdminStatus = Schemas["AdminStatus"];
type DeadLetterPage = Schemas["DeadLetterPage"];
type Provider = Schemas["Provider"];
type Query = Record<string, string | number | undefined>;
/** A signal of a value. */
type SignalOf<T> = import("./vendor/signals.js").Signal<T>;
