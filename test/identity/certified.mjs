// The certified OpenID provider (npm oidc-provider) as a program of its own, so that it can be ended and started again. Its one argument is
// a file of JSON: { port, keys, accounts, clients, audiences }. Access tokens for the first audience are JWTs (RFC 9068); those for the
// second and for none are opaque, and nobody but this process knows what they are.

import { readFileSync } from "node:fs";
import { errors, Provider } from "oidc-provider";

const { port, keys, accounts, clients, audiences } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const issuer = `http://127.0.0.1:${port}`;
const scope = "openid email profile groups";

const provider = new Provider(issuer, {
  jwks: { keys },
  clients: clients.map(({ id, secret, redirects }) => ({
    client_id: id, redirect_uris: redirects, application_type: "native", response_types: ["code"], grant_types: ["authorization_code"],
    ...(secret ? { client_secret: secret, token_endpoint_auth_method: "client_secret_basic" } : { token_endpoint_auth_method: "none" }),
  })),
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  // Claims of a scope come from userinfo by default; a provider for companies puts them into the ID token.
  conformIdTokenClaims: false,
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id].claims }) },
  extraTokenClaims: (_, token) => token.aud && { email: accounts[token.accountId].claims.email },
  pkce: { required: () => true },
  cookies: { keys: ["known to everybody, for these are tests"] },
  ttl: { AccessToken: 600, IdToken: 600, Interaction: 600, Grant: 3600, Session: 3600 },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === clients[0].id },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo(_, resource) {
        if (!audiences.includes(resource)) throw new errors.InvalidTarget();
        const jwt = resource === audiences[0];
        return { scope, audience: resource, accessTokenTTL: 600, ...(jwt ? { accessTokenFormat: "jwt", jwt: { sign: { alg: keys[0].alg } } } : { accessTokenFormat: "opaque" }) };
      },
    },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

const page = (action) => `<!doctype html><html lang="en"><title>Sign in</title><link rel="icon" href="data:,"><form method="post" action="${action}">
  <input id="username" name="username" aria-label="Name"><input id="password" name="password" type="password" aria-label="Password"><button>Sign in</button></form></html>`;

provider.use(async (ctx, next) => {
  if (!/^\/interaction\/[^/]+$/.test(ctx.path)) return next();
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === "login" && ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = page(ctx.path);
    return undefined;
  }
  if (prompt.name === "login") {
    let body = "";
    for await (const chunk of ctx.req) body += chunk;
    const given = new URLSearchParams(body);
    const name = given.get("username");
    if (!accounts[name] || accounts[name].password !== given.get("password")) return ctx.throw(401, "That is not the password.");
    return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: name } });
  }
  // Whoever signs in agrees to what was asked.
  const agreed = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  agreed.addOIDCScope(scope);
  if (params.resource) agreed.addResourceScope(params.resource, scope);
  return provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId: await agreed.save() } }, { mergeWithLastSubmission: true });
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
