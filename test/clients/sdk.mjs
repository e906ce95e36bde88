// What the walks with the published TypeScript client share: a story in steps, and what a refusal must be.

import assert from "node:assert/strict";
import { GleanBaseError } from "@gleanwork/api-client/models/errors";

/** The header with which a GLOBAL token acts as a person. */
export const as = (email) => ({ headers: { "X-Glean-ActAs": email } });

/** The steps of a story: after one that fails the others are skipped, for they would fail for its reason. */
export function story(t) {
  let ok = true;
  const step = async (name, body) => {
    if (!ok) return t.test(name, { skip: "an earlier step failed" }, () => {});
    await t.test(name, async () => {
      ok = false;
      await body();
      ok = true;
    });
  };
  step.end = () => assert.ok(ok, "a step failed");
  return step;
}

/** The call must be refused with that status and type of error, in words that show nothing of the inside. */
export async function refused(status, call, words, type = GleanBaseError) {
  let caught;
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof type, `a ${type.name} of the server, not ${error}`);
    assert.equal(error.statusCode, status, error.body);
    assert.notEqual(error.name, "ResponseValidationError", error.message);
    assert.doesNotMatch(error.body, /goroutine|panic|\.go:\d|SQLITE|sql:/i);
    if (words) assert.match(error.body, words);
    caught = error;
    return true;
  });
  return caught;
}
