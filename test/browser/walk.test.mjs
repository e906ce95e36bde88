// From a sign-in link through the token dialog to a search with the new secret, in a real browser: once with the
// mouse, once with the keyboard alone, once without JavaScript. Elements are found by role and label, as people and
// screen readers find them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { company, search, seed } from "../harness/company.mjs";
import { eventually, signIn, startServer } from "../harness/server.mjs";
import { closePages, inspect, launch, openPage, tabTo } from "./browser.mjs";

const [admin, , sam] = company.employees.map((e) => e.email);
let server, browser, session, context, page;

/** Searches over the API with the secret that a page has shown. */
const searchWith = (secret) => search(server.url, secret);

// With script the box is a combobox with suggestions; without, a plain search box.
const box = () => page.getByRole("combobox", { name: "Search" });
const heading = (name) => page.getByRole("heading", { level: 1, name });
const link_ = (name, options) => page.getByRole("link", { name, ...options });
const button = (name) => page.getByRole("button", { name, exact: true });
const dialog = () => page.getByRole("dialog", { name: "Add Client API Token" });
const scope = (name) => dialog().getByRole("checkbox", { name: new RegExp(`^${name}`) });

async function open(options) {
  ({ context, page } = await openPage(browser, server.url, options));
}

before(async () => {
  server = await startServer();
  session = await signIn(server, admin);
  await seed(server.url, (await server.cli("indexing-token", "create", "--description", "scenario intake")).secret);
  const probe = await session.token("USER", ["SEARCH"], { userEmail: admin });
  await eventually(async () => assert.deepEqual((await searchWith(probe.secret)).ids, company.sees[admin]), 5000);
  await session.revoke(probe.id);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
closePages();

test("with the mouse, looking at every page", async () => {
  await open();
  await page.goto(`${server.url}/`);
  await inspect(page, "signed-out");
  await page.goto(await server.link(admin));
  await inspect(page, "sign-in");
  await button("Sign in").click();
  await box().waitFor();
  await inspect(page, "start");

  await link_("Console").click();
  await heading("API Tokens").waitFor();
  await inspect(page, "tokens");
  await link_("Add New Token").click();
  await dialog().waitFor();
  await inspect(page, "token-new");

  await dialog().getByLabel("Description").fill("");
  await dialog().getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /Describe the token/);
  await inspect(page, "token-invalid");

  await dialog().getByLabel("Description").fill("Mouse walk");
  for (const permission of ["GLOBAL", "ANONYMOUS", "USER"]) {
    await dialog().getByRole("radio", { name: new RegExp(`^${permission}`) }).check();
    await inspect(page, `token-new-${permission.toLowerCase()}`);
  }
  await dialog().getByLabel("Person it acts as").fill(sam);
  await scope("SEARCH").check();
  await dialog().getByRole("radio", { name: "30 days" }).check();
  await dialog().getByRole("button", { name: "Save" }).click();

  await heading("“Mouse walk” is ready").waitFor();
  const secret = await page.getByRole("textbox", { name: "Secret" }).inputValue();
  assert.match(secret, /^shf_c_[0-9A-Za-z]{49}$/);
  await inspect(page, "token-made");
  await button("Copy secret").click();
  await page.getByRole("status").filter({ hasText: "Secret copied." }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  assert.deepEqual(await searchWith(secret), { status: 200, ids: company.sees[sam] });
  for (const language of ["curl", "Python", "TypeScript"]) {
    assert.ok(await page.getByText(language, { exact: true }).count(), `an example in ${language}`);
  }

  await link_("Done").click();
  const row = page.getByRole("row").filter({ hasText: "Mouse walk" });
  assert.match(await row.innerText(), /USER[\s\S]*SEARCH/);
  assert.ok(!(await page.content()).includes(secret), "the secret is shown once");
  await inspect(page, "tokens-list");

  await row.getByLabel("Actions for Mouse walk").click();
  await row.getByRole("link", { name: "Revoke…" }).click();
  await button("Revoke token").waitFor();
  await inspect(page, "token-revoke");
  await button("Revoke token").click();
  await page.getByRole("row").filter({ hasText: "Mouse walk" }).filter({ hasText: "Revoked" }).waitFor();
  assert.equal((await searchWith(secret)).status, 401);

  await link_("Indexing Tokens").click();
  await page.getByRole("row").filter({ hasText: "scenario intake" }).waitFor();
  await inspect(page, "indexing-tokens");
  await link_("Add New Token").click();
  await page.getByRole("dialog").waitFor();
  await inspect(page, "indexing-token-new");
  await page.getByRole("dialog").getByRole("link", { name: "Cancel" }).click();

  const nav = page.getByRole("navigation", { name: "Console", exact: true });
  await nav.getByRole("link", { name: "Datasources" }).click();
  await heading("Datasources").waitFor();
  await inspect(page, "datasources");
  await link_(company.datasource.displayName).click();
  await heading(company.datasource.displayName).waitFor();
  await inspect(page, "datasource");
  await nav.getByRole("link", { name: "People and roles" }).click();
  await heading("People and roles").waitFor();
  await inspect(page, "people");
  await nav.getByRole("link", { name: "Audit log" }).click();
  await heading("Audit log").waitFor();
  await inspect(page, "audit");

  await page.goto(`${server.url}/`);
  await box().fill(company.query);
  await button("Search").click();
  await page.getByRole("article").filter({ hasText: "Tide table for visitors" }).waitFor();
  assert.equal(await page.getByRole("article").count(), company.sees[admin].length);
  assert.match(await page.locator("mark").first().innerText(), /lighthouse/i);
  await inspect(page, "results");
  await box().fill("zeppelin");
  await page.keyboard.press("Enter");
  await heading(/zeppelin/).waitFor();
  await inspect(page, "nothing-found");

  const cookies = await context.cookies();
  assert.ok(cookies.some((c) => c.httpOnly && c.sameSite !== "None"), "the session's cookie is HttpOnly and SameSite");
  await page.locator("summary", { hasText: "account and appearance" }).click();
  await button("Sign out").click();
  await context.addCookies(cookies);
  await page.goto(`${server.url}/admin/`);
  assert.equal(await heading("API Tokens").count(), 0, "a session that has ended opens nothing");
});

test("with the keyboard alone", async () => {
  await open();
  await page.goto(await server.link(admin));
  await tabTo(page, button("Sign in"));
  await page.keyboard.press("Enter");
  await box().waitFor();

  await page.goto(`${server.url}/admin/platform/tokens`);
  await page.keyboard.press("Tab");
  assert.ok(await link_("Skip to content").evaluate((e) => e === document.activeElement), "the first Tab offers to skip");
  await tabTo(page, link_("Add New Token"));
  await page.keyboard.press("Enter");
  await dialog().waitFor();
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "hidden" });
  assert.ok(await link_("Add New Token").evaluate((e) => e === document.activeElement), "Escape gives the focus back");
  await page.keyboard.press("Enter");
  await dialog().waitFor();

  await tabTo(page, dialog().getByLabel("Description"));
  await page.keyboard.type("Keyboard walk");
  const user = dialog().getByRole("radio", { name: /^USER/ });
  await tabTo(page, user);
  await page.keyboard.press("ArrowUp");
  assert.ok(await dialog().getByRole("radio", { name: /^GLOBAL/ }).isChecked());
  await page.keyboard.press("ArrowDown");
  assert.ok(await user.isChecked());
  await tabTo(page, dialog().getByLabel("Person it acts as"));
  await page.keyboard.press("Control+A");
  await page.keyboard.type(admin);
  if (!(await scope("SEARCH").isChecked())) {
    await tabTo(page, scope("SEARCH"));
    await page.keyboard.press("Space");
  }
  await tabTo(page, scope("DOCUMENTS"));
  await page.keyboard.press("Space");
  assert.ok(await scope("DOCUMENTS").isChecked());
  await tabTo(page, dialog().getByRole("button", { name: "Save" }));
  await page.keyboard.press("Enter");

  await heading("“Keyboard walk” is ready").waitFor();
  await tabTo(page, page.getByRole("textbox", { name: "Secret" }));
  const secret = await page.getByRole("textbox", { name: "Secret" }).inputValue();
  await tabTo(page, button("Copy secret"));
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "Secret copied." }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  assert.deepEqual(await searchWith(secret), { status: 200, ids: company.sees[admin] });

  await page.goto(`${server.url}/`);
  await tabTo(page, box());
  await page.keyboard.type(company.query);
  await page.keyboard.press("Enter");
  const hit = page.getByRole("article").getByRole("link", { name: "Tide table for visitors", exact: true });
  await hit.waitFor();
  await tabTo(page, hit);
});

test("without JavaScript", async () => {
  await open({ javaScriptEnabled: false });
  await page.goto(await server.link(admin));
  await button("Sign in").click();
  await link_("Console").click();
  await heading("API Tokens").waitFor();
  await link_("Add New Token").click();
  await dialog().waitFor();
  await dialog().getByRole("button", { name: "Save" }).click();
  assert.match(await page.getByRole("alert").innerText(), /Describe the token/);
  await dialog().getByLabel("Description").fill("Plain walk");
  await dialog().getByLabel("Person it acts as").fill(admin);
  await scope("SEARCH").check();
  await dialog().getByRole("button", { name: "Save" }).click();
  await heading("“Plain walk” is ready").waitFor();
  const secret = await page.getByRole("textbox", { name: "Secret" }).inputValue();
  assert.deepEqual(await searchWith(secret), { status: 200, ids: company.sees[admin] });
  await page.goto(`${server.url}/`);
  await page.getByRole("searchbox", { name: "Search" }).fill(company.query);
  await button("Search").click();
  await page.getByRole("article").filter({ hasText: "Tide table for visitors" }).waitFor();
});

test("a Member finds the console closed, and a used link dead", async () => {
  await open();
  const once = await server.link(sam);
  await page.goto(once);
  await button("Sign in").click();
  await box().waitFor();
  assert.equal(await link_("Console").count(), 0);
  assert.equal((await page.goto(`${server.url}/admin/`)).status(), 403);
  await inspect(page, "not-allowed");
  await context.clearCookies();
  await page.goto(once);
  if (await button("Sign in").count()) await button("Sign in").click();
  assert.equal(await box().count(), 0);
  await inspect(page, "link-used");
});
