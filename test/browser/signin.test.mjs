// Sign-in through an identity provider, in a real browser: an administrator sets it up in the console and tries a token, people
// sign in with it, and those who must not, do not.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { company } from "../harness/company.mjs";
import { startProvider } from "../harness/provider.mjs";
import { signIn, startServer } from "../harness/server.mjs";
import { inspect, launch, openPage } from "./browser.mjs";

const [admin, , sam] = company.employees.map((e) => e.email);
const stranger = "stranger@quillmere.example";
const accounts = [
  { sub: "a-1", email: admin, email_verified: true, name: "Ada" },
  { sub: "s-1", email: sam, email_verified: true, name: "Sam" },
  { sub: "x-1", email: stranger, email_verified: true, name: "Stranger" },
  { sub: "s-2", email: sam, email_verified: true, name: "Another Sam" },
];
const client = { id: "sheaf", secret: "a secret of the test", redirects: [] };
const name = "Quillmere-ID";
let server, provider, browser, session, context, page, wrong;

const heading = (words) => page.getByRole("heading", { level: 1, name: words });
const button = (words) => page.getByRole("button", { name: words, exact: true });
const dialog = () => page.getByRole("dialog");
const box = () => page.getByRole("combobox", { name: "Search" });

async function open(options) {
  ({ context, page, wrong } = await openPage(browser, server.url, { elsewhere: [provider.issuer], ...options }));
}

async function byLink(email) {
  const { url } = await server.cli("signin", "--email", email);
  const { pathname, search } = new URL(url);
  await page.goto(`${server.url}${pathname}${search}`);
  await button("Sign in").click();
}

/** Signs in at the provider as the account at place i of the list. */
async function through(i) {
  await page.getByRole("link", { name: `Sign in with ${name}` }).click();
  await page.getByRole("heading", { name: "Quillmere ID" }).waitFor();
  await page.getByRole("button").nth(i).click();
}

before(async () => {
  provider = await startProvider({ accounts, client });
  server = await startServer({ flags: ["--outbound-development"] });
  client.redirects = [`${server.url}/signin/callback/${name}`];
  session = await signIn(server, admin);
  await server.cli("user", "add", "--email", sam, "--role", "MEMBER");
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await provider?.stop();
});
beforeEach(() => {
  context = page = undefined;
  wrong = [];
});
afterEach(async () => {
  await context?.close();
  assert.deepEqual(wrong, [], "what the browser complained about");
});

test("an administrator sets a provider up", async () => {
  await open();
  await byLink(admin);
  await box().waitFor();
  await page.goto(`${server.url}/admin/platform/tokens`);
  await page.getByRole("heading", { name: "Allow OAuth token-based access" }).waitFor();
  await inspect(page, "tokens-oauth-off");
  await page.getByRole("link", { name: "Set up OAuth" }).click();
  await heading("OAuth").waitFor();
  await inspect(page, "oauth-empty");
  await page.getByRole("switch", { name: "Allow OAuth token-based access" }).check();
  await button("Save").click();
  await page.getByText("The settings are saved.").waitFor();

  await page.getByRole("link", { name: "Add provider" }).first().click();
  await dialog().waitFor();
  for (const kind of ["Entra ID", "Google", "Okta", "OneLogin", "Other"]) {
    await dialog().getByRole("radio", { name: kind, exact: true }).check();
    if (kind === "Entra ID" || kind === "Other") await inspect(page, `oauth-provider-${kind.split(" ")[0].toLowerCase()}`);
  }
  await dialog().getByText("What few need").click();
  await dialog().getByRole("radio", { name: "Introspection" }).check();
  await inspect(page, "oauth-provider-all");
  await dialog().getByRole("radio", { name: "Refuse them" }).check();
  await dialog().getByLabel("Name", { exact: true }).fill(name);
  await dialog().getByLabel("Issuer").fill(`${provider.issuer}/elsewhere`);
  await dialog().getByLabel("Client ids").fill(client.id);
  await dialog().getByLabel("Client secret").fill(client.secret);
  await dialog().getByLabel("Audiences").fill("sheaf-api");
  await dialog().getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").waitFor();
  await inspect(page, "oauth-provider-wrong");
  await dialog().getByLabel("Issuer").fill(provider.issuer);
  await dialog().getByLabel("Client secret").fill(client.secret);
  await dialog().getByRole("button", { name: "Save" }).click();
  await page.getByText("The provider is saved.").waitFor();
  assert.ok(!(await page.content()).includes(client.secret), "the client secret is never shown");
  await inspect(page, "oauth");
  await button(`Copy the redirect URI of ${name}`).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), client.redirects[0]);

  const { resource, authorization_servers: issuers } = await (await fetch(`${server.url}/.well-known/oauth-protected-resource`)).json();
  assert.deepEqual({ resource, issuers }, { resource: server.url, issuers: [provider.issuer] });
  const challenge = (await fetch(`${server.url}/rest/api/v1/search`, { method: "POST" })).headers.get("WWW-Authenticate");
  assert.equal(challenge, `Bearer resource_metadata="${server.url}/.well-known/oauth-protected-resource"`);

  await page.getByLabel("Access token").fill(provider.access(accounts[1]));
  await button("Test token").click();
  await page.getByText("It would be accepted").waitFor();
  await inspect(page, "oauth-token-accepted");
  await page.getByLabel("Access token").fill(provider.access(accounts[1], { aud: "another-service" }));
  await button("Test token").click();
  await page.getByText("It would be refused").waitFor();
  await inspect(page, "oauth-token-refused");
  await page.goto(`${server.url}/admin/platform/tokens`);
  await inspect(page, "tokens-oauth-on");
});

test("somebody known signs in, and arrives where they were going", async () => {
  await open();
  await page.goto(`${server.url}/?q=rain+gauge`);
  await page.getByRole("link", { name: `Sign in with ${name}` }).waitFor();
  await inspect(page, "sign-in-provider");
  await page.getByText("I have a sign-in link or code").click();
  await inspect(page, "sign-in-provider-code");
  await through(1);
  await box().waitFor();
  const here = new URL(page.url());
  assert.equal(here.origin + here.pathname + here.search, `${server.url}/?q=rain+gauge`);
  const cookies = await context.cookies();
  assert.deepEqual(cookies.filter((c) => c.name.includes("signin")), [], "cookies of the sign-in that are left");
  assert.ok(cookies.filter((c) => c.name === "sheaf").every((c) => c.httpOnly && c.sameSite === "Lax"));

  // A token of the same account works beside the session, as the same person.
  const answer = await fetch(`${server.url}/rest/api/v1/search`, {
    method: "POST",
    headers: { Authorization: `Bearer ${provider.access(accounts[1])}`, "X-Glean-Auth-Type": "OAUTH", "Content-Type": "application/json" },
    body: JSON.stringify({ query: "", pageSize: 1 }),
  });
  assert.equal(answer.status, 200, await answer.text());
});

test("strangers, another’s account, and those who cancel", async () => {
  await open();
  await page.goto(`${server.url}/signin`);
  await through(2);
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /nobody has added you/);
  await inspect(page, "sign-in-unknown");
  assert.ok(!page.url().includes("code="), "the code is out of the address");
  await through(3);
  assert.match(await page.getByRole("alert").innerText(), /Somebody else signs in here with this address/);
  await through(4);
  assert.match(await page.getByRole("alert").innerText(), /you cancelled/);
  await page.goto(`${server.url}/`);
  await heading("Sign in to sheaf").waitFor();
});

test("an address that another browser brings back", async () => {
  await open();
  await page.goto(`${server.url}/signin`);
  let stolen;
  await page.route(`${provider.issuer}/authorize?*`, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    stolen = (await route.fetch({ maxRedirects: 0 })).headers().location;
    return route.fulfill({ body: "on its way, to somebody else" });
  });
  await through(1);
  await page.getByText("on its way").waitFor();
  await context.close();
  await open();
  await page.goto(stolen);
  assert.match(await page.getByRole("alert").innerText(), /not begun in this browser/);
  await page.goto(`${server.url}/`);
  await heading("Sign in to sheaf").waitFor();
});

test("without JavaScript, and out when deactivated", async () => {
  await open({ javaScriptEnabled: false });
  await page.goto(`${server.url}/help`);
  await through(1);
  await page.waitForURL(`${server.url}/help`);
  await session.call("PATCH", `users/${encodeURIComponent(sam)}`, { active: false });
  await page.goto(`${server.url}/`);
  await heading("Sign in to sheaf").waitFor();
  await through(1);
  assert.match(await page.getByRole("alert").innerText(), /no access/);
  await session.call("PATCH", `users/${encodeURIComponent(sam)}`, { active: true });
});

test("links off, an account released, a provider removed", async () => {
  await open();
  const invited = await session.call("POST", `users/${encodeURIComponent(sam)}/signin-link`);
  await page.goto(`${server.url}/signin`);
  await through(0);
  await box().waitFor();
  await page.goto(`${server.url}/admin/platform/oauth`);
  await page.getByRole("switch", { name: "Turn sign-in links off" }).check();
  await button("Save").click();
  await page.getByText("The settings are saved.").waitFor();

  const other = await openPage(browser, server.url, { elsewhere: [provider.issuer] });
  await other.page.goto(`${server.url}/signin`);
  assert.equal(await other.page.getByText("I have a sign-in link or code").count(), 0);
  await inspect(other.page, "sign-in-links-off");
  const { pathname, search } = new URL(invited.url);
  await other.page.goto(`${server.url}${pathname}${search}`);
  await other.page.getByRole("button", { name: "Sign in", exact: true }).click();
  assert.match(await other.page.getByRole("alert").innerText(), /does not work/);
  await other.context.close();

  await page.goto(`${server.url}/admin/people`);
  await page.getByLabel("Actions for Sam").or(page.getByRole("row").filter({ hasText: sam }).locator("summary")).first().click();
  await page.getByRole("link", { name: "Release sign-in account…" }).locator("visible=true").click();
  await button("Release account").waitFor();
  await inspect(page, "person-release");
  await button("Release account").click();
  await page.getByText("The account is released.").waitFor();

  await page.goto(`${server.url}/admin/platform/oauth`);
  await page.getByRole("link", { name: `Edit ${name}` }).click();
  await dialog().waitFor();
  await inspect(page, "oauth-provider-edit");
  await dialog().getByRole("link", { name: "Cancel" }).click();
  await page.getByRole("link", { name: `Remove… ${name}` }).click();
  await button("Remove provider").waitFor();
  await inspect(page, "oauth-remove");
  await button("Remove provider").click();
  await page.getByText("The provider is removed.").waitFor();
  const gone = await openPage(browser, server.url, {});
  await gone.page.goto(`${server.url}/signin`);
  await gone.page.getByText("Ask an administrator for a sign-in link.").waitFor();
  await gone.context.close();
});
