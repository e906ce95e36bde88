// The certified OpenID provider of npm: JWT access tokens as of RFC 9068, and opaque ones.

import { certified } from "./providers.mjs";
import { tell } from "./story.mjs";

tell("certified", certified);
