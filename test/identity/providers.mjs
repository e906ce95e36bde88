// Real identity providers, each as a process on loopback, in one shape for the story that they are tested with:
//
//   name, issuer, forms    "jwt" or "jwt" and "opaque": the forms of access token that it can be asked for
//   extra(form)            what a request for such a token has beside the usual
//   bare                   it can also be asked for one that names neither audience nor address
//   sheaf, program         its two clients: sheaf itself, with a secret, and a public one
//   settings               how sheaf is told of it
//   start, stop            the same provider again each time; what it keeps in memory alone is lost
//   rotations              how often rotate is worth calling
//   rotate, withdraw       signs with a new key beside the last one; publishes that one no longer
//   signIn(page, email)    fills its form in

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createWriteStream } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { freePort } from "../harness/server.mjs";

const audiences = ["https://search.tidewater.example/api", "https://search.tidewater.example/opaque"];
const nameOf = (email) => email.split("@")[0];
const passwordOf = (email) => `password of ${nameOf(email)}`;

/** One process, ready once its discovery document can be read. */
class Process {
  constructor(issuer, log, within) {
    Object.assign(this, { issuer, log, within });
  }

  async start(command, args, options) {
    const sink = createWriteStream(this.log, { flags: "a" });
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.pipe(sink, { end: false });
    child.stderr.pipe(sink, { end: false });
    const ended = new Promise((done) => child.once("exit", () => { sink.end(); done(true); }));
    Object.assign(this, { child, ended });
    const deadline = Date.now() + this.within;
    for (;;) {
      if (await Promise.race([ended, sleep(100, false)])) throw new Error(`the identity provider ended at once:\n${await this.words()}`);
      if (await fetch(`${this.issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(3000) }).then((r) => r.ok, () => false)) return;
      if (Date.now() > deadline) {
        await this.stop();
        throw new Error(`the identity provider was not ready in time:\n${await this.words()}`);
      }
    }
  }

  async stop() {
    if (!this.child) return;
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 15_000);
    await this.ended;
    clearTimeout(timer);
    this.child = undefined;
  }

  async words() {
    return (await readFile(this.log, "utf8")).slice(-3000);
  }
}

/** What both providers have in common. office is the group whose people administer sheaf. */
function common(name, issuer, { redirects, opaque }) {
  const clients = {
    sheaf: { id: "sheaf", secret: "a secret: of the test", redirects: [redirects.sheaf] },
    program: { id: "desk-program", redirects: [redirects.program] },
  };
  return {
    name, issuer, ...clients,
    settings: {
      name, kind: "oidc", issuer, clientIds: [clients.sheaf.id, clients.program.id], clientSecret: clients.sheaf.secret, audiences,
      signIn: true, groupsClaim: "groups", roles: { office: "ADMIN" }, ...(opaque && { opaque: { method: "introspect" } }),
    },
  };
}

/** people are { email, groups }. */
export async function certified({ people, redirects }) {
  const directory = await mkdtemp(join(tmpdir(), "sheaf-provider-"));
  const file = join(directory, "settings.json");
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const base = common("certified", issuer, { redirects, opaque: true });
  const running = new Process(issuer, join(directory, "log"), 30_000);
  const accounts = Object.fromEntries(people.map(({ email, groups = [] }) =>
    [nameOf(email), { password: passwordOf(email), claims: { email, email_verified: true, name: nameOf(email), groups } }]));

  // Access tokens are signed with the first key, by another algorithm after each rotation. ID tokens are RS256, since no client asks for another.
  const makers = {
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: () => generateKeyPairSync("ed25519"),
    PS256: () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
  };
  let generation = 0;
  const key = (alg) => ({ ...makers[alg]().privateKey.export({ format: "jwk" }), alg, use: "sig", kid: `${alg}-${generation}` });
  const pair = () => [key(["ES256", "EdDSA", "PS256"][generation++ % 3]), key("RS256")];
  let [now, before] = [pair(), []];
  const start = async () => {
    await writeFile(file, JSON.stringify({ port, audiences, accounts, keys: [...now, ...before], clients: [base.sheaf, base.program] }));
    await running.start(process.execPath, [fileURLToPath(new URL("certified.mjs", import.meta.url)), file], {});
  };
  const again = async () => { await running.stop(); await start(); };
  await start();
  return {
    ...base,
    forms: ["jwt", "opaque"],
    bare: true,
    rotations: 2,
    extra: (form) => ({ jwt: { resource: audiences[0] }, opaque: { resource: audiences[1] } })[form] ?? {},
    start,
    stop: () => running.stop(),
    async rotate() { [now, before] = [pair(), now]; await again(); },
    async withdraw() { before = []; await again(); },
    async signIn(page, email) {
      await page.locator("#username").fill(nameOf(email));
      await page.locator("#password").fill(passwordOf(email));
      await page.getByRole("button", { name: "Sign in" }).click();
    },
    async close() { await running.stop(); await rm(directory, { recursive: true, force: true }); },
  };
}

/** The Keycloak that KEYCLOAK_HOME names, with the Java of JAVA_HOME. */
export async function keycloak({ people, redirects }) {
  const directory = await mkdtemp(join(tmpdir(), "sheaf-keycloak-"));
  const home = join(directory, "keycloak");
  await cp(process.env.KEYCLOAK_HOME, home, { recursive: true });
  const port = await freePort();
  const host = `http://127.0.0.1:${port}`;
  const issuer = `${host}/realms/tidewater`;
  const base = common("keycloak", issuer, { redirects });
  const running = new Process(issuer, join(directory, "log"), 240_000);
  await mkdir(join(home, "data", "import"), { recursive: true });
  await writeFile(join(home, "data", "import", "tidewater-realm.json"), JSON.stringify(realm(people, [base.sheaf, base.program])));
  const admin = { name: "admin", password: "admin of the test" };
  const start = () => running.start("bash", [join(home, "bin", "kc.sh"), "start-dev", "--import-realm", "--cache=local", "--http-host=127.0.0.1", `--http-port=${port}`, `--hostname=${host}`], {
    cwd: home,
    env: {
      PATH: process.env.PATH, HOME: directory, JAVA_HOME: process.env.JAVA_HOME, JAVA_OPTS_KC_HEAP: "-Xms64m -Xmx512m",
      KC_BOOTSTRAP_ADMIN_USERNAME: admin.name, KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password,
    },
  });
  await start();

  async function call(method, path, body) {
    const form = new URLSearchParams({ grant_type: "password", client_id: "admin-cli", username: admin.name, password: admin.password });
    const signedIn = await fetch(`${host}/realms/master/protocol/openid-connect/token`, { method: "POST", body: form });
    assert.equal(signedIn.status, 200, "the administrator of Keycloak signs in");
    const { access_token: token } = await signedIn.json();
    const answer = await fetch(`${host}/admin/realms/tidewater${path}`, {
      method, headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }
  const signers = async () => (await call("GET", "/components?type=org.keycloak.keys.KeyProvider")).filter((c) => c.providerId === "rsa-generated");
  let before;
  return {
    ...base,
    forms: ["jwt"],
    rotations: 1,
    extra: () => ({}),
    start,
    stop: () => running.stop(),
    async rotate() {
      before = await signers();
      const { id } = await call("GET", "");
      await call("POST", "/components", {
        name: "newer", providerId: "rsa-generated", providerType: "org.keycloak.keys.KeyProvider", parentId: id,
        config: { priority: ["1000"], enabled: ["true"], active: ["true"], algorithm: ["RS256"], keySize: ["3072"] },
      });
    },
    async withdraw() {
      for (const { id } of before) await call("DELETE", `/components/${id}`);
    },
    async signIn(page, email) {
      await page.locator("#username").fill(nameOf(email));
      await page.locator("#password").fill(passwordOf(email));
      await page.locator("#kc-login").click();
    },
    async close() { await running.stop(); await rm(directory, { recursive: true, force: true }); },
  };
}

/** A realm as Keycloak imports it. */
function realm(people, clients) {
  const mappers = [
    { name: "audience", protocol: "openid-connect", protocolMapper: "oidc-audience-mapper", config: { "included.custom.audience": audiences[0], "access.token.claim": "true", "id.token.claim": "false" } },
    { name: "groups", protocol: "openid-connect", protocolMapper: "oidc-group-membership-mapper", config: { "claim.name": "groups", "full.path": "false", "access.token.claim": "false", "id.token.claim": "true" } },
  ];
  const groups = [...new Set(people.flatMap((p) => p.groups ?? []))];
  return {
    realm: "tidewater", enabled: true, sslRequired: "none", accessTokenLifespan: 600,
    groups: groups.map((name) => ({ name })),
    users: people.map(({ email, groups = [] }) => ({
      username: nameOf(email), enabled: true, email, emailVerified: true, firstName: nameOf(email), lastName: "Tidewater", groups: groups.map((g) => `/${g}`),
      credentials: [{ type: "password", value: passwordOf(email), temporary: false }],
    })),
    clients: clients.map(({ id, secret, redirects }) => ({
      clientId: id, protocol: "openid-connect", enabled: true, standardFlowEnabled: true, directAccessGrantsEnabled: false, redirectUris: redirects,
      publicClient: !secret, ...(secret && { secret }), attributes: { "pkce.code.challenge.method": "S256" }, protocolMappers: mappers,
    })),
  };
}
