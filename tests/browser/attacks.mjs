// A person signed in, and pages of other sites that try to read, to write and to listen. Says as
// JSON what each of them got. What was changed is for the test to look up at the server.
import { chromium } from "playwright-core";

const want = JSON.parse(process.argv[2]);
const SETTLE_MS = 2000;

// What a page can try with a server that is not its own. Runs inside the page.
async function attack({ own, spare, settle }) {
  const said = async work => { try { return String(await work()); } catch (error) { return "failed: " + error.name; } };
  const reset = own + "/api/v1/triggers/reset", list = own + "/api/v1/watchlists", body = '{"revision":0}';
  const loads = (tag, src) => new Promise(done => {
    const node = document.createElement(tag);
    node.onload = () => done("loaded");
    node.onerror = () => done("failed");
    node.src = src;
    document.body.append(node);
  });
  const listens = (url, options) => new Promise(done => {
    const events = new EventSource(url, options);
    const ends = what => { events.close(); done(what); };
    events.onopen = () => ends("opened");
    events.onerror = () => ends("failed");
    setTimeout(() => ends("silent"), settle);
  });
  const submits = () => new Promise(done => {
    const frame = document.createElement("iframe"), form = document.createElement("form"), field = document.createElement("input");
    frame.name = "hidden";
    frame.onload = () => setTimeout(() => done("sent"), 0);
    Object.assign(form, { method: "POST", action: reset, enctype: "text/plain", target: "hidden" });
    Object.assign(field, { name: '{"revision":0,"note":"', value: '"}' });
    form.append(field);
    document.body.append(frame, form);
    setTimeout(() => { frame.onload = () => done("sent"); form.submit(); }, 50);
    setTimeout(() => done("silent"), settle);
  });
  const credentials = "include", plain = { "Content-Type": "text/plain" }, json = { "Content-Type": "application/json" };
  return {
    read: await said(async () => (await fetch(list, { credentials })).text()),
    plain: await said(async () => (await fetch(reset, { method: "POST", mode: "no-cors", credentials, headers: plain, body })).type),
    empty: await said(async () => (await fetch(reset, { method: "POST", mode: "no-cors", credentials })).type),
    put: await said(async () => (await fetch(own + "/api/v1/channels", { method: "PUT", credentials, headers: json, body: '{"revision":0,"entries":[]}' })).status),
    form: await submits(),
    beacon: await said(() => navigator.sendBeacon(reset, new Blob([body], { type: "text/plain" }))),
    image: await loads("img", list),
    script: await loads("script", list),
    events: await listens(own + "/api/v1/alerts/stream", { withCredentials: true }),
    burn: await loads("img", spare),
  };
}

// What a page can try once its own name leads here: for the browser it is the same site.
async function rebound({ settle }) {
  const said = async work => { try { return String(await work()); } catch (error) { return "failed: " + error.name; } };
  const headers = { "Content-Type": "application/json" };
  return {
    read: await said(async () => (await fetch("/api/v1/watchlists")).status),
    text: await said(async () => (await fetch("/api/v1/watchlists")).text()),
    put: await said(async () => (await fetch("/api/v1/channels", { method: "PUT", headers, body: '{"revision":0,"entries":[]}' })).status),
    reset: await said(async () => (await fetch("/api/v1/triggers/reset", { method: "POST", headers, body: '{"revision":0}' })).status),
    events: await new Promise(done => {
      const events = new EventSource("/api/v1/alerts/stream");
      events.onopen = () => { events.close(); done("opened"); };
      events.onerror = () => { events.close(); done("failed"); };
      setTimeout(() => done("silent"), settle);
    }),
  };
}

// What the own page does: it reads, it writes, it listens.
async function ownPage({ settle }) {
  const headers = { "Content-Type": "application/json" };
  const checked = await fetch("/api/v1/triggers/validate", { method: "POST", headers, body: "[]" });
  return {
    read: (await fetch("/api/v1/watchlists")).status,
    write: checked.status,
    cookie: document.cookie,
    event: await new Promise(done => {
      const events = new EventSource("/api/v1/alerts/stream");
      events.addEventListener("alert", event => { events.close(); done(typeof JSON.parse(event.data)); });
      setTimeout(() => { events.close(); done("silent"); }, 10 * settle);
    }),
  };
}

// Said for whoever has to find out where it stopped.
const now = step => process.stderr.write(`${step}\n`);

const shown = async page => {
  await page.waitForFunction(() => !["…", ""].includes(document.getElementById("mode").textContent));
  return page.textContent("#mode");
};

const browser = await chromium.launch({
  executablePath: want.chromium,
  args: [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--no-proxy-server", "--disable-features=LocalNetworkAccessChecks",
    "--host-resolver-rules=MAP attacker.example 127.0.0.1, MAP foreign.example 127.0.0.1",
  ],
});
try {
  now("launched");
  const found = { foreign: {} }, settle = SETTLE_MS;
  const stranger = await browser.newContext(), locked = await stranger.newPage();
  await locked.goto(want.own + "/");
  found.locked = { mode: await shown(locked), help: await locked.isVisible("#ask") };

  now("locked page seen");
  const person = await browser.newContext(), page = await person.newPage();
  await page.goto(want.login);
  found.address = page.url();
  found.mode = await shown(page);
  found.cookies = (await person.cookies()).map(({ name, httpOnly, sameSite, path, domain }) => ({ name, httpOnly, sameSite, path, domain }));
  found.own = await page.evaluate(ownPage, { settle });

  now("own page used");
  for (const origin of want.foreign) {
    const theirs = await person.newPage();
    await theirs.goto(origin + "/");
    found.foreign[origin] = await theirs.evaluate(attack, { own: want.own, spare: want.spare, settle });
    await theirs.evaluate(own => { const f = document.createElement("iframe"); f.id = "framed"; f.src = own + "/"; document.body.append(f); }, want.own);
    await theirs.waitForTimeout(500);
    const framed = await (await theirs.$("#framed")).contentFrame();
    found.foreign[origin].frame = await framed.evaluate(() => document.getElementById("mode") === null ? "refused" : "shown");
    await theirs.evaluate(own => { const a = document.createElement("a"); a.id = "go"; a.href = own + "/"; a.textContent = "look"; document.body.append(a); }, want.own);
    await theirs.click("#go");
    await theirs.waitForURL(want.own + "/");
    found.foreign[origin].link = await shown(theirs);
    await theirs.close();
  }

  now("foreign pages tried");
  const theirs = await person.newPage();
  await theirs.goto(want.rebound + "/");
  found.rebound = await theirs.evaluate(rebound, { settle });

  now("rebound tried");
  // The link that other pages tried to use up, followed from a message by somebody who is not in.
  const other = await (await browser.newContext()).newPage();
  await other.goto(want.foreign[0] + "/");
  await other.evaluate(spare => { const a = document.createElement("a"); a.id = "go"; a.href = spare; a.textContent = "in"; document.body.append(a); }, want.spare);
  await other.click("#go");
  await other.waitForURL(want.own + "/");
  found.spare = await shown(other);
  now("spare link followed");
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
