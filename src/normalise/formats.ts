import type { Format } from './format.ts';
import canonical from './formats/canonical.ts';
import hoop from './formats/hoop.ts';
import pgaudit from './formats/pgaudit.ts';

/** Every format there is. A new one is a new file and a line here; a conformance test holds the two together. */
export const FORMATS: readonly Format[] = [canonical, hoop, pgaudit];
