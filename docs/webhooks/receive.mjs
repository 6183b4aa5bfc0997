// Receive Pocketwatcher's webhooks and verify each: `node receive.mjs PORT`.
//
// Needs nothing but Node 18, and the channel's secret in PW_WEBHOOK_SECRET. While the secret is
// changed, either key verifies. The package `standardwebhooks` does what `verified` does.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const KEY = Buffer.from(process.env.PW_WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE_S = 300;
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const REMEMBERED = 10_000;

// Alerts that came before: one may come again, by itself or in a digest. Keep them where a restart
// of yours does not forget them.
const seen = new Set();

// The message, or null where it is not from us, was changed, or is too old.
function verified(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures } = headers;
  if (!id || !signatures || !/^\d{1,12}$/.test(at ?? "")) return null;
  if (Math.abs(Date.now() / 1000 - Number(at)) > TOLERANCE_S) return null;
  // Over the bytes as they came: JSON that was read and written again is other text.
  const expected = createHmac("sha256", KEY).update(`${id}.${at}.`).update(body).digest();
  const matches = signatures.split(" ").some(one => {
    const [version, signature] = one.split(",");
    const found = Buffer.from(signature ?? "", "base64");
    return version === "v1" && found.length === expected.length && timingSafeEqual(found, expected);
  });
  return matches ? JSON.parse(body.toString("utf8")) : null;
}

// Print every alert once; `late` means that the message is a digest of old ones.
function take(message) {
  for (const alert of message.alerts) {
    if (seen.has(alert.id)) continue;
    seen.add(alert.id);
    console.log(message.late ? "late" : "new", alert.severity, alert.title);
  }
  for (const id of seen) {
    if (seen.size <= REMEMBERED) break;
    seen.delete(id);
  }
}

const server = createServer((request, response) => {
  const parts = [];
  let size = 0;
  request.on("data", part => {
    size += part.length;
    if (size > BODY_BYTES_MAX) request.destroy();
    parts.push(part);
  });
  request.on("end", () => {
    // 204 takes a message. After a 401 the channel holds its alerts until it is set right.
    const message = verified(request.headers, Buffer.concat(parts));
    if (message) take(message);
    response.writeHead(message ? 204 : 401).end();
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening on port", server.address().port));
