import { connect, isIP, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

/** In front of every answer stands how long the rest of it is. */
export const SIZE_BYTES = 4;
/** No answer to us comes near it: we ask for 16 MiB at most, and a single batch that is longer comes nevertheless. HTTP, SSH and TLS begin with larger numbers. */
const ANSWER_BYTES_MAX = 256 << 20;
const KEEP_ALIVE_DELAY_MS = 60_000;

/**
 * Puts together what a broker sends, answer by answer, where it is to stay: how long an answer is comes first.
 *
 * A socket by itself hands over chunks of 64 KiB, of which kafkajs makes one: as much memory again outside V8's heap, and a pause for all of the heap
 * whenever enough of it has come together.
 */
export class AnswerReader {
  readonly #size = Buffer.alloc(SIZE_BYTES);
  #answer: Buffer | undefined;
  #filled = 0;

  /** Where the next bytes go, and how many may come. */
  room(): Buffer {
    return (this.#answer ?? this.#size).subarray(this.#filled);
  }

  /**
   * Takes note of bytes that were read into `room()`.
   *
   * @returns an answer, its size in front, when it is whole now.
   * @throws RangeError for a size that no answer of Kafka's has.
   */
  took(byteCount: number): Buffer | undefined {
    this.#filled += byteCount;
    if (this.#answer === undefined && this.#filled === SIZE_BYTES) this.#answer = this.#begin();
    if (this.#answer === undefined || this.#filled < this.#answer.length) return undefined;
    const answer = this.#answer;
    this.#answer = undefined;
    this.#filled = 0;
    return answer;
  }

  #begin(): Buffer {
    const length = this.#size.readInt32BE(0);
    // Whoever reads goes on, after a refusal too: without room for a byte, TLS would for ever.
    this.#filled = 0;
    if (length < 0 || length > ANSWER_BYTES_MAX) {
      throw new RangeError(
        `what came is not Kafka's (an answer of ${length} bytes): another port, or TLS on one side only`,
      );
    }
    const answer = Buffer.allocUnsafe(SIZE_BYTES + length);
    this.#filled = this.#size.copy(answer);
    return answer;
  }
}

/** Connects, for kafkajs, with sockets that tell of `data` once an answer. */
export const connectWholeAnswers: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const answers = new AnswerReader();
  const onread: OnReadOpts = {
    buffer: () => answers.room(),
    callback: (byteCount) => {
      try {
        const answer = answers.took(byteCount);
        if (answer !== undefined) socket.emit('data', answer);
      } catch (error) {
        // Ends the connection, and not the process.
        socket.destroy(error as Error);
      }
      return true;
    },
  };
  const address: TcpNetConnectOpts = { host, port, onread };
  const socket: Socket = ssl
    ? connectTls({ ...address, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
    : connect(address, onConnect);
  // As Kafka's own client does: a request that waits for what TCP has still to hear of the one before gains nothing.
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
};
