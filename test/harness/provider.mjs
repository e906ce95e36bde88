// A small identity provider of OpenID Connect on a free loopback port: enough of one to sign people in by authorization code with
// PKCE, and to hand out signed access tokens. It holds what it is asked against what the standards ask of a client.

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer } from "node:http";

const text = (bytes) => Buffer.from(bytes).toString("base64url");
const escape = (words) => words.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** accounts are lists of claims, each with sub and email; client is { id, secret, redirects }. */
export async function startProvider({ accounts, client }) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const codes = new Map();
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const issuer = `http://127.0.0.1:${server.address().port}`;

  const jwt = (claims, header = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const head = text(JSON.stringify({ alg: "ES256", kid: "one", ...header }));
    const body = text(JSON.stringify({ iss: issuer, iat: now, exp: now + 300, ...claims }));
    return `${head}.${body}.${text(sign("sha256", Buffer.from(`${head}.${body}`), { key: privateKey, dsaEncoding: "ieee-p1363" }))}`;
  };

  async function answer(request, response) {
    const url = new URL(request.url, issuer);
    const json = (status, value) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    const form = async () => {
      let body = "";
      for await (const chunk of request) body += chunk;
      return new URLSearchParams(body);
    };
    switch (`${request.method} ${url.pathname}`) {
      case "GET /.well-known/openid-configuration":
        return json(200, {
          issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/keys`, response_types_supported: ["code"], subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["ES256"], code_challenge_methods_supported: ["S256"],
          authorization_response_iss_parameter_supported: true,
        });
      case "GET /keys":
        return json(200, { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" }] });
      case "GET /authorize": {
        const q = url.searchParams;
        const wrong = q.get("response_type") !== "code" || q.get("client_id") !== client.id || !client.redirects.includes(q.get("redirect_uri")) ||
          q.get("code_challenge_method") !== "S256" || !q.get("code_challenge") || !q.get("state") || !q.get("nonce");
        if (wrong) return response.writeHead(400).end("This request is not one of a client of ours.");
        const choices = [...accounts.map((a, i) => [String(i), a.email]), ["no", "Cancel"]];
        response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
        return response.end(`<!doctype html><html lang="en"><title>Quillmere ID</title><link rel="icon" href="data:,"><h1>Quillmere ID</h1><form method="post" action="/authorize?${escape(q.toString())}">${
          choices.map(([value, name]) => `<p><button name="as" value="${value}">${escape(name)}</button></p>`).join("")}</form></html>`);
      }
      case "POST /authorize": {
        const q = url.searchParams;
        const as = (await form()).get("as");
        const back = new URL(q.get("redirect_uri"));
        back.searchParams.set("state", q.get("state"));
        back.searchParams.set("iss", issuer);
        if (as === "no") {
          back.searchParams.set("error", "access_denied");
        } else {
          const code = text(randomBytes(24));
          codes.set(code, { account: accounts[as], nonce: q.get("nonce"), challenge: q.get("code_challenge"), redirect: q.get("redirect_uri") });
          back.searchParams.set("code", code);
        }
        return response.writeHead(303, { Location: back.href }).end();
      }
      case "POST /token": {
        const f = await form();
        const known = codes.get(f.get("code"));
        codes.delete(f.get("code"));
        // Both parts are form-encoded before they are joined (RFC 6749, section 2.3.1).
        const given = Buffer.from(request.headers.authorization?.replace(/^Basic /, "") ?? "", "base64").toString().split(":");
        if (given.map((part) => decodeURIComponent(part.replaceAll("+", " "))).join(":") !== `${client.id}:${client.secret}`) return json(401, { error: "invalid_client" });
        const challenge = text(createHash("sha256").update(f.get("code_verifier") ?? "").digest());
        if (!known || known.redirect !== f.get("redirect_uri") || known.challenge !== challenge) return json(400, { error: "invalid_grant" });
        return json(200, {
          token_type: "Bearer", expires_in: 300, access_token: access(known.account),
          id_token: jwt({ ...known.account, aud: client.id, nonce: known.nonce }),
        });
      }
      default:
        return json(404, { error: "not_found" });
    }
  }

  /** An access token of an account (RFC 9068), as a program of the client would hold it. */
  const access = (account, more = {}) => jwt({ ...account, aud: "sheaf-api", client_id: client.id, jti: text(randomBytes(9)), ...more }, { typ: "at+jwt" });

  return {
    issuer,
    access,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
