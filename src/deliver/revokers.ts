import type { RevokerKind } from './registry.ts';
import postgres from './revokers/postgres.ts';
import webhook from './revokers/webhook.ts';

/** Every kind of revoker there is. A new one is a new file and a line here; a conformance test holds the two together. */
export const REVOKER_KINDS: readonly RevokerKind[] = [postgres, webhook];
