import { LogError } from './log.ts';

/** Kafka's error codes as this adapter tells them apart, by the names that kafkajs gives them. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'OFFSET_OUT_OF_RANGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_FOR_PARTITION',
  7: 'REQUEST_TIMED_OUT',
  9: 'REPLICA_NOT_AVAILABLE',
  10: 'MESSAGE_TOO_LARGE',
  17: 'INVALID_TOPIC_EXCEPTION',
  18: 'RECORD_LIST_TOO_LARGE',
  19: 'NOT_ENOUGH_REPLICAS',
  20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  45: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
  46: 'DUPLICATE_SEQUENCE_NUMBER',
  47: 'INVALID_PRODUCER_EPOCH',
  56: 'KAFKA_STORAGE_ERROR',
  59: 'UNKNOWN_PRODUCER_ID',
  74: 'FENCED_LEADER_EPOCH',
  76: 'UNKNOWN_LEADER_EPOCH',
  78: 'OFFSET_NOT_AVAILABLE',
  87: 'INVALID_RECORD',
};

/** A broker answered a request, or a part of it, with an error. */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal';
  readonly type: string;

  constructor(code: number, what: string) {
    const type = NAMES[code] ?? `error ${code}`;
    super(`Kafka refused ${what}: ${type}`);
    this.type = type;
  }
}

/** What kind of failure: Kafka's name of the error, or the class of kafkajs's own. */
export function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'type' in error && typeof error.type === 'string' ? error.type : error.name;
}

/** Asking again helps against nothing of these. */
const LASTING = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_GROUP_ID',
  'OFFSET_METADATA_TOO_LARGE',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'GROUP_MAX_SIZE_REACHED',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_SASL_MECHANISM',
  'SASL_AUTHENTICATION_FAILED',
  'KafkaJSSASLAuthenticationError',
  'KafkaJSServerDoesNotSupportApiKey',
  'LogError',
  // Bugs: they must not pass for an outage.
  'TypeError',
  'RangeError',
  'ReferenceError',
  'AssertionError',
]);

/** Whether asking again is in vain. */
export function isLasting(error: unknown): boolean {
  return LASTING.has(typeOf(error));
}

/** What the adapter rejects with for a failure of Kafka: `LogError`s as they are, the rest as `unavailable`. */
export function toLogError(error: unknown, doing: string): LogError {
  if (error instanceof LogError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new LogError('unavailable', `Kafka failed at ${doing}: ${message}. ${advice(typeOf(error))}`, {
    cause: error,
  });
}

function advice(type: string): string {
  if (type.endsWith('AUTHORIZATION_FAILED')) return 'Grant this user the rights that the documentation lists.';
  if (type.includes('SASL')) return 'Check the user, the password and the mechanism.';
  if (type === 'INVALID_SESSION_TIMEOUT')
    return "Choose a session time-out between the broker's group.min.session.timeout.ms and group.max.session.timeout.ms.";
  if (type === 'INCONSISTENT_GROUP_PROTOCOL') return 'The group belongs to another program: choose another name.';
  if (type === 'UNSUPPORTED_VERSION' || type === 'KafkaJSServerDoesNotSupportApiKey')
    return 'Kafka 2.8 or later is needed.';
  return 'Check that the brokers run and can be reached from here.';
}
