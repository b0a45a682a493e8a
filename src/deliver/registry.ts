import type { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import type { Resolve } from './address.ts';
import type { Receiver } from './receiver.ts';
import type { Revoker } from './revoker.ts';
import type { Pace } from './turns.ts';

/** What receivers and revokers are given of the world. */
export interface DeliveryPorts {
  readonly clock: Clock;
  /** Looks host names up. */
  readonly resolve: Resolve;
  /** Writes to the terminal (`console`). */
  readonly write: (text: string) => void;
}

/** A kind of receiver or revoker: the default export of one file, whose name is the kind. */
interface TargetKind<Config extends z.ZodType, Opened> {
  readonly kind: string;
  /** A few words. */
  readonly title: string;
  /** For the documentation: what it does, what it needs, what it cannot do. */
  readonly description: string;
  /** A strict object; every option is described, secrets are `secretString`s. */
  readonly config: Config;
  /** A configuration that parses, for the documentation. */
  readonly example: z.input<Config>;
  /** How fast one target may be called. */
  readonly pace: Pace;
  /** Connects to nothing yet. */
  open(config: z.output<Config>, ports: DeliveryPorts): Opened;
}

/** Without a type argument: one whose configuration only its own file knows; `open` wants what its `config` parsed. */
export type ReceiverKind<Config extends z.ZodType = z.ZodType> = TargetKind<Config, Receiver>;
export type RevokerKind<Config extends z.ZodType = z.ZodType> = TargetKind<Config, Revoker>;

/** Gives a receiver's file its types. */
export function defineReceiver<Config extends z.ZodType>(kind: ReceiverKind<Config>): ReceiverKind<Config> {
  return kind;
}

/** Gives a revoker's file its types. */
export function defineRevoker<Config extends z.ZodType>(kind: RevokerKind<Config>): RevokerKind<Config> {
  return kind;
}
