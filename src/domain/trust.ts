/**
 * How far a field of an audit event can be believed.
 *
 * - `verified`: set by a gateway from what it authenticated
 * - `reported`: written by the database about what it did
 * - `claimed`: chosen by the client (statement text, application name)
 *
 * Only verified and reported evidence may lead to a revocation: whoever holds nothing but the ability to type must not be able
 * to get somebody else's token revoked.
 */
export type Trust = 'verified' | 'reported' | 'claimed';
