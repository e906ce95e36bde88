// The ropeworks of depot.json, and how it goes in through the published TypeScript client.

import { readFile } from "node:fs/promises";

export const depot = JSON.parse(await readFile(new URL("../harness/depot.json", import.meta.url), "utf8"));
export const [runa, teo, lise, omar] = depot.people.map((p) => p.email);
export const drawings = depot.drawings.name;
export const chat = depot.chat.name;
export const url = (id) => `https://drawings.ropeworks.example/${id}`;

/** Puts everything in with single operations, so that what each answers is checked by the client's own types. */
export async function fill(glean) {
  const { datasources, people, permissions, documents } = glean.indexing;
  for (const employee of depot.people) await people.index({ employee });
  await people.indexTeam({ team: depot.team });
  for (const source of [depot.drawings, depot.chat]) await datasources.add(source);
  for (const datasource of [drawings, chat]) {
    for (const email of [runa, teo, lise]) {
      await permissions.indexUser({ datasource, user: { email, name: email.split("@")[0], isActive: true } });
    }
  }
  for (const group of depot.groups) await permissions.indexGroup({ datasource: drawings, group });
  for (const membership of depot.memberships) await permissions.indexMembership({ datasource: drawings, membership });
  await documents.index({ datasource: drawings, documents: depot.documents });
  for (const document of depot.messages) await documents.addOrUpdate({ document });
}
