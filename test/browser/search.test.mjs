// The search page, why somebody finds a thing or does not, and a datasource's page, in a real browser: with the mouse, with the
// keyboard alone, without JavaScript, and as somebody who administers nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { company, index as put, search, seed } from "../harness/company.mjs";
import { eventually, signIn, startServer } from "../harness/server.mjs";
import { closePages, inspect, launch, openPage, tabTo } from "./browser.mjs";

const [office, nora, sam, ivo] = company.employees.map((e) => e.email);
const name = company.datasource.name;
let server, browser, session, secret, context, page;

const box = () => page.getByRole("combobox", { name: "Search" });
const options = () => page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
const hits = () => page.getByRole("article");
const link = (text, exact = true) => page.getByRole("link", { name: text, exact });
const button = (text) => page.getByRole("button", { name: text, exact: true });
const heading = (text) => page.getByRole("heading", { level: 1, name: text });
const focused = () => page.evaluate(() => document.activeElement.textContent);

async function open(email, options) {
  ({ context, page } = await openPage(browser, server.url, options));
  await page.goto(await server.link(email));
  await button("Sign in").click();
  await page.getByText("You find what is shared with you").waitFor();
}

/** What happens to a click on a result, short of leaving for a site that is not there. */
async function stay() {
  await page.evaluate(() => document.addEventListener("click", (event) => { if (event.target.closest("a[data-viewed]")) event.preventDefault(); }));
}

const index = (operation, body) => put(server.url, secret, operation, body);

before(async () => {
  server = await startServer();
  session = await signIn(server, office);
  ({ secret } = await server.cli("indexing-token", "create", "--description", "scenario intake"));
  await seed(server.url, secret);
  await session.call("PATCH", `users/${nora}`, { role: "ADMIN" });
  const probe = await session.token("USER", ["SEARCH"], { userEmail: nora });
  await eventually(async () => assert.deepEqual((await search(server.url, probe.secret)).ids, company.sees[nora]), 5000);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
closePages();

test("searching with the mouse", async () => {
  await open(nora);
  await box().fill("light");
  await options().filter({ hasText: "lighthouse" }).first().waitFor();
  await inspect(page, "search-suggestions");
  await box().fill("light");
  await options().filter({ hasText: "lighthouse" }).first().click();
  await heading(/results for lighthouse/).waitFor();
  assert.equal(await hits().count(), company.sees[nora].length);
  await inspect(page, "search-results");

  await page.getByRole("checkbox", { name: /Logbook/i }).check();
  await button("Apply").click();
  await heading(/1 result for lighthouse/).waitFor();
  await hits().filter({ hasText: "Log of the pilot boat" }).waitFor();
  const address = page.url();
  await inspect(page, "search-narrowed");

  // The address is the whole state: another tab shows the same.
  const other = await context.newPage();
  await other.goto(address);
  await other.getByRole("article").filter({ hasText: "Log of the pilot boat" }).waitFor();
  assert.equal(await other.getByRole("article").count(), 1);
  assert.ok(await other.getByRole("checkbox", { name: /Logbook/i }).isChecked());
  await other.close();

  await page.getByRole("list", { name: "Filters that hold" }).getByRole("link").first().click();
  await heading(/5 results for lighthouse/).waitFor();
  await page.getByRole("combobox", { name: "Order" }).selectOption({ label: "Newest first" });
  await page.waitForURL(/sort=newest/);
  assert.match(await hits().first().innerText(), /Rescue plan/);

  // A result leads to the document itself; opening it is told to the server beside.
  const hit = hits().filter({ hasText: "Winter rota" }).getByRole("link", { name: "Winter rota for the crew", exact: true });
  assert.equal(await hit.getAttribute("href"), "https://notes.tidewater.example/n/crew-rota");
  await stay();
  const told = page.waitForResponse((r) => r.url().endsWith("/viewed"));
  await hit.click();
  assert.equal((await told).status(), 204);

  await box().fill("lighthose");
  await page.keyboard.press("Enter");
  await page.getByText("Showing results for").waitFor();
  assert.equal(await hits().count(), company.sees[nora].length);
  await inspect(page, "search-corrected");
  await page.getByText("Search instead for").getByRole("link").click();
  await heading("Nothing you may see matches “lighthose”").waitFor();
  await inspect(page, "search-nothing");

  await page.goto(`${server.url}/?q=Sam+Oduya`);
  await page.getByRole("region", { name: "Sam Oduya" }).waitFor();
  await inspect(page, "search-person");
  await link("What they wrote").click();
  await hits().filter({ hasText: "Winter rota" }).waitFor();
});

test("searching with the keyboard alone", async () => {
  await open(nora);
  await page.goto(`${server.url}/?q=${company.query}`);
  await hits().first().waitFor();
  await page.keyboard.press("/");
  assert.ok(await box().evaluate((e) => e === document.activeElement), "/ leads to the box");
  await page.keyboard.type("ligh");
  await options().first().waitFor();
  assert.equal(await box().getAttribute("aria-expanded"), "true");
  await page.keyboard.press("ArrowDown");
  const active = await box().getAttribute("aria-activedescendant");
  assert.equal(await page.locator(`#${active}`).getAttribute("aria-selected"), "true");
  await page.keyboard.press("Escape");
  assert.equal(await box().getAttribute("aria-expanded"), "false");
  assert.equal(await box().inputValue(), "ligh", "Escape keeps what was typed");
  await page.keyboard.press("Escape");
  const titles = await hits().getByRole("heading").getByRole("link").allInnerTexts();
  assert.equal(await focused(), titles[0], "a second Escape leads to the results");
  await page.keyboard.press("j");
  assert.equal(await focused(), titles[1]);
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(), titles[2]);
  await page.keyboard.press("k");
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(), titles[0]);
  await stay();
  const told = page.waitForResponse((r) => r.url().endsWith("/viewed"));
  await page.keyboard.press("Enter");
  assert.equal((await told).status(), 204, "Enter opens the result");

  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Searching" });
  await sheet.waitFor();
  await inspect(page, "search-help");
  const single = sheet.getByRole("switch", { name: "Single keys work on this device" });
  await tabTo(page, single);
  await page.keyboard.press("Space");
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "hidden" });
  await page.keyboard.press("?");
  assert.equal(await sheet.count(), 0, "keys that are turned off do nothing");
  await link("Help").click();
  await sheet.waitFor();
  assert.ok(!(await single.isChecked()));
  await single.check();
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "hidden" });

  await page.keyboard.press("/");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("rot");
  await options().filter({ hasText: "Winter rota for the crew" }).waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("rota");
  await page.keyboard.press("Enter");
  await heading(/results? for rota/).waitFor();
  await tabTo(page, page.getByRole("checkbox").first());
  await page.keyboard.press("Space");
  await tabTo(page, button("Apply"));
  await page.keyboard.press("Enter");
  await page.getByRole("list", { name: "Filters that hold" }).waitFor();
});

test("searching without JavaScript", async () => {
  await open(nora, { javaScriptEnabled: false });
  await page.getByRole("searchbox", { name: "Search" }).fill("lighthose");
  await button("Search").click();
  await page.getByText("Showing results for").waitFor();
  await page.getByRole("combobox", { name: "Order" }).selectOption({ label: "Oldest first" });
  await button("Sort").click();
  assert.match(await hits().first().innerText(), /Tide table/);
  await page.getByRole("checkbox", { name: /Logbook/i }).check();
  await button("Apply").click();
  assert.equal(await hits().count(), 1);
  await link("Help").click();
  await heading("Searching").waitFor();
  await page.goto(`${server.url}/admin/why?person=${ivo}&document=${name}/Logbook/captains-log`);
  await page.getByText("Does not see it").waitFor();
  await page.goto(`${server.url}/admin/datasources/${name}`);
  await page.getByText("The same in numbers").or(page.getByText("One document")).first().waitFor();
});

test("an Admin asks why, and looks after a datasource", async () => {
  await open(nora);
  await page.goto(`${server.url}/?q=${company.query}`);
  await hits().filter({ hasText: "Log of the pilot boat" }).getByRole("link", { name: /^Why here/ }).click();
  await heading("Why").waitFor();
  await page.getByText("of the first result’s score").waitFor();
  await inspect(page, "why-rank");

  await link("Who sees it").last().click();
  await page.getByText("Sees it", { exact: true }).waitFor();
  await page.getByText("The document names the group captains").waitFor();
  await inspect(page, "why-sees");
  await page.getByLabel("Person").fill(ivo);
  await button("Explain").click();
  await page.getByText("Does not see it", { exact: true }).waitFor();
  await page.getByText("Ivo Lindqvist is not in captains").waitFor();
  await inspect(page, "why-not");

  // Nora may not see the ledger: the page names it as she does, and no more.
  await page.getByLabel("Person").fill(sam);
  await page.getByLabel("Document").fill("https://notes.tidewater.example/n/ledger");
  await button("Explain").click();
  await page.getByText("Does not see it", { exact: true }).waitFor();
  const shown = await page.content();
  assert.ok(!shown.includes("What the lamp costs") && !shown.includes("Note/ledger"), "a hidden document has no title here");
  await page.getByLabel("Document").fill("harbornotes/Note/none");
  await button("Explain").click();
  await page.getByRole("alert").filter({ hasText: "There is no document of this name." }).waitFor();
  await inspect(page, "why-none");
});

test("a paused removal is run, and dropped", async () => {
  const old = { ...company.datasource, name: "quaynotes", displayName: "Quay Notes" };
  await index("adddatasource", old);
  const upload = (uploadId, documents) => index("bulkindexdocuments", {
    uploadId, datasource: "quaynotes", isFirstPage: true, isLastPage: true,
    documents: documents.map((id) => ({ datasource: "quaynotes", objectType: "Note", id, title: `Quay ${id}`, viewURL: `https://notes.tidewater.example/n/quay-${id}`, permissions: { allowAnonymousAccess: true } })),
  });
  await open(nora);
  const paused = () => page.getByText(/Removing \d+ documents is paused/);
  for (const [verb, said, left] of [["Drop", "The removal is dropped.", 4], ["Run now", "The removal goes on.", 1]]) {
    await upload(`full-${verb}`, ["a", "b", "c", "d"]);
    await upload(`half-${verb}`, ["a"]);
    await eventually(async () => {
      await page.goto(`${server.url}/admin/datasources/quaynotes`);
      assert.equal(await paused().count(), 1);
    }, 10_000);
    if (verb === "Drop") await inspect(page, "datasource-paused");
    await page.getByRole("button", { name: new RegExp(`^${verb}`) }).click();
    await page.getByText(said).waitFor();
    assert.equal(await paused().count(), 0);
    await eventually(async () => {
      await page.goto(`${server.url}/admin/datasources/quaynotes`);
      assert.equal(Number(await page.locator(".stat .big").first().innerText()), left);
    }, 10_000);
  }
  await page.getByLabel("Document id").fill("Note/a");
  await button("Look up").click();
  await page.getByText("Searchable", { exact: true }).first().waitFor();
  await page.getByRole("link", { name: "Who sees it" }).waitFor();
  await page.getByText("The same in numbers").click();
  await inspect(page, "datasource-document");
});

test("a Member searches, and is told nothing of the rest", async () => {
  await open(sam);
  await page.goto(`${server.url}/?q=${company.query}`);
  await hits().first().waitFor();
  assert.equal(await hits().count(), company.sees[sam].length);
  assert.equal(await page.getByText("Why here").count(), 0);
  assert.equal((await page.goto(`${server.url}/admin/why?document=${name}/Note/ledger`)).status(), 403);
  for (const typed of ["led", "lamp", "Log of the pil", "type:"]) {
    const answer = await page.request.get(`${server.url}/suggest?q=${encodeURIComponent(typed)}`);
    assert.ok(answer.ok());
    assert.doesNotMatch(await answer.text(), /lamp costs|ledger|pilot boat|Logbook/i, `what is suggested for ${typed}`);
  }
});
