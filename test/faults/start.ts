import { type StartOptions, startTokenwarden, type TokenwardenProcess } from '../support/tokenwarden-process.ts';
import type { FaultContext } from './scenario.ts';

type Place = Pick<FaultContext, 'folder' | 'defer'>;

/** Starts the program for a scenario, with which it ends at the latest. */
export async function start(
  { folder, defer }: Place,
  config: object,
  options?: StartOptions,
): Promise<TokenwardenProcess> {
  const tokenwarden = await startTokenwarden(folder, config, options);
  defer(tokenwarden.kill);
  return tokenwarden;
}

/** The same, and waits until it watches. */
export async function startWatching(
  place: Place,
  config: object,
  { limitMs, ...options }: StartOptions & { readonly limitMs?: number } = {},
): Promise<TokenwardenProcess> {
  const tokenwarden = await start(place, config, options);
  await tokenwarden.logged('watching', limitMs);
  return tokenwarden;
}
