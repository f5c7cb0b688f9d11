// A certified OpenID Connect provider that speaks the claims of NHS CIS2, for invented people: the sign-in is held to it.
// node provider.mjs <port> <redirect uri> <name of its signing key>

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, redirectUri, keyId] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const role = (id, code, org, name) => ({
  person_orgid: `org-${id}`,
  person_roleid: id,
  org_code: org,
  role_name: `"Clinical":"Clinical Provision":"${name}"`,
  role_code: code,
  activities: ["Perform Detailed Health Record"],
  activity_codes: ["B0380"],
});
const clinician = role("1001", "S8000:G8000:R8000", "RTH", "Clinical Practitioner Access Role");
const clerk = role("1002", "S8010:G8020:R8008", "RTH", "Admin/Clinical Support Access Role");
const unmapped = role("1003", "S0010:G0020:R5080", "RTH", "RA Manager");
const elsewhere = role("1004", "S8000:G8000:R8000", "RXX", "Clinical Practitioner Access Role");

const people = {
  "555000000000": { roles: [], acr: "AAL3_ANY" },
  "555000000001": { roles: [clinician], acr: "AAL3_ANY" },
  "555000000002": { roles: [clinician, clerk, unmapped, elsewhere], acr: "AAL2_ANY" },
  "555000000003": { roles: [unmapped], acr: "AAL3_ANY" },
  "555000000009": { roles: [clinician], acr: "AAL1_USERPASS" },
};

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "carerecord",
      client_secret: "a-secret-of-the-test-provider-only",
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: keyId, use: "sig", alg: "RS256" }] },
  cookies: { keys: ["cookies of a test provider"] },
  acrValues: ["AAL2_OR_AAL3_ANY", "AAL3_ANY", "AAL2_ANY", "AAL1_USERPASS"],
  scopes: ["openid", "profile", "nhsperson", "nationalrbacaccess", "associatedorgs"],
  claims: {
    openid: ["sub", "acr"],
    profile: ["name", "given_name", "family_name"],
    nhsperson: ["nhsid_useruid"],
    nationalrbacaccess: ["nhsid_nrbac_roles"],
    associatedorgs: ["nhsid_user_orgs"],
  },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, sub) => ({
    accountId: sub,
    claims: () => ({
      sub,
      acr: people[sub].acr,
      nhsid_useruid: sub,
      name: "Okafor Amara Dr",
      given_name: "Amara",
      family_name: "Okafor",
      nhsid_nrbac_roles: people[sub].roles,
    }),
  }),
  // Staff are not asked for consent, as CIS2 does not ask them.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile nhsperson nationalrbacaccess associatedorgs");
    await grant.save();
    return grant;
  },
});

const callback = provider.callback();
createServer((request, response) => {
  const asked = new URL(request.url, issuer);
  if (!asked.pathname.startsWith("/interaction/")) return callback(request, response);
  if (request.method !== "POST") return response.end("Who are you?");
  const account = asked.searchParams.get("account");
  const result = people[account]
    ? { login: { accountId: account, acr: people[account].acr } }
    : { error: "access_denied", error_description: "The smartcard was taken out." };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
