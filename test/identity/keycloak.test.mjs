// Keycloak, as companies run it themselves.

import { keycloak } from "./providers.mjs";
import { tell } from "./story.mjs";

tell("keycloak", keycloak);
