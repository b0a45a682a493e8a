/** Thrown where something cannot be done on this machine; the message says what it would take. */
export class Missing extends Error {
  override readonly name = 'Missing';
}
