import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { LogError } from './log.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const OUTPUT_BYTES_MAX = 64 << 20;

const inflate = {
  gzip: promisify(gunzip),
  zstd: promisify(zstdDecompress),
};

/**
 * Opens the compressed records of one batch.
 *
 * @param codec Kafka's number of the codec.
 * @throws LogError `storage` for a codec that is not built in, and for records that inflate to more than 64 MiB.
 */
export async function decompress(codec: number, bytes: Buffer, topic: string): Promise<Buffer> {
  const name = CODECS[codec];
  if (name !== 'gzip' && name !== 'zstd') {
    throw new LogError(
      'storage',
      `Topic "${topic}" holds records compressed with ${name ?? `codec ${codec}`}, which this client cannot open. ` +
        'Let its producers compress with gzip, zstd or not at all, or set compression.type=zstd for the topic.',
    );
  }
  try {
    return await inflate[name](bytes, { maxOutputLength: OUTPUT_BYTES_MAX });
  } catch (cause) {
    throw new LogError(
      'storage',
      `A batch of topic "${topic}" cannot be opened as ${name}, or holds more than ${OUTPUT_BYTES_MAX} bytes. ` +
        'Find its producer, and delete the records up to this one.',
      { cause },
    );
  }
}
