// SPDX-License-Identifier: Apache-2.0
// Receivers that check X-Wrenn-Signatures: the HMAC-SHA-256 of the timestamp, a full stop and the body.

/** @type {Record<string, string>} */
export const SNIPPETS = {
	Python: `import hashlib, hmac, os

def is_from_wrenn(headers, body: bytes) -> bool:
    secret = os.environ["WRENN_SECRET"].encode()
    signed = headers["X-Wrenn-Timestamp"].encode() + b"." + body
    mine = "sha256=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(mine, one)
               for one in headers["X-Wrenn-Signatures"].split(", "))`,
	Node: `import { createHmac, timingSafeEqual } from "node:crypto";

export function isFromWrenn(headers, body) {  // body: a Buffer
  const mine = "sha256=" + createHmac("sha256", process.env.WRENN_SECRET)
    .update(headers["x-wrenn-timestamp"] + ".").update(body).digest("hex");
  return headers["x-wrenn-signatures"].split(", ").some((one) =>
    one.length === mine.length && timingSafeEqual(Buffer.from(one), Buffer.from(mine)));
}`,
	Go: `func isFromWrenn(header http.Header, body []byte) bool {
	mac := hmac.New(sha256.New, []byte(os.Getenv("WRENN_SECRET")))
	mac.Write([]byte(header.Get("X-Wrenn-Timestamp") + "."))
	mac.Write(body)
	mine := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	for _, one := range strings.Split(header.Get("X-Wrenn-Signatures"), ", ") {
		if hmac.Equal([]byte(one), []byte(mine)) {
			return true
		}
	}
	return false
}`,
};
