// Every page, once: tried at each width in each theme, and some shown in docs/pictures. A new page is a line.
//
// `isShown` puts it into docs/pictures. `path` is where it is, or asks the API for it from inside of the page: `() => fetch(…)…`.
// `ready` holds, inside of the page, once there is something to see. Both run in the browser.

export const PAGES = [
  { name: "alerts", isShown: true, path: "/", ready: () => document.querySelectorAll("[data-alert]").length > 3 && document.querySelectorAll(".hot li").length > 1 },
  {
    name: "token", isShown: true,
    path: async () => {
      const { alerts } = await (await fetch("/api/v1/alerts?limit=100")).json();
      return `/token/${alerts.findLast(one => one.mint && one.name).mint}`;
    },
    ready: () => document.querySelector(".chart canvas") !== null && document.querySelectorAll("section:has(#buyers-head) tbody tr").length > 2,
  },
  {
    name: "wallet",
    path: async () => `/wallet/${(await (await fetch("/api/v1/swaps?limit=1")).json()).swaps[0].trader}`,
    ready: () => document.querySelectorAll("table").length > 2,
  },
  {
    name: "transaction",
    path: async () => `/tx/${(await (await fetch("/api/v1/swaps?limit=1")).json()).swaps[0].signature}`,
    ready: () => document.querySelector("table") !== null,
  },
  { name: "tokens", isShown: true, path: "/tokens", ready: () => document.querySelectorAll("main polyline").length > 3 },
  { name: "live", path: "/live", ready: () => document.querySelectorAll("main tbody tr").length > 10 },
  { name: "days", path: "/days", ready: () => document.querySelectorAll("main tbody tr").length > 1 },
  { name: "rules", path: "/rules", ready: () => document.querySelectorAll(".rule-card").length > 5 },
  { name: "lists", path: "/lists", ready: () => document.querySelectorAll("main tbody tr").length > 5 },
  { name: "channels", path: "/channels", ready: () => document.querySelector("#new-channel") !== null },
  { name: "system", isShown: true, path: "/system", ready: () => document.querySelectorAll(".grid table").length > 2 },
];

/** Opens one of them, and waits until it is ready; the demo's market takes its time. */
export async function open(page, { path, ready }) {
  const { origin } = new URL(page.url());
  await page.goto(origin + (typeof path === "string" ? path : await page.evaluate(path)));
  await page.waitForFunction(ready, undefined, { timeout: 120_000 });
}
