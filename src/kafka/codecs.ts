import { decompress as decompressZstd } from 'fzstd';
import kafkajs from 'kafkajs';
import SnappyCodec from 'kafkajs-snappy';
import { compressFrame, decompressFrame } from 'lz4-napi';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/**
 * Teaches kafkajs the codecs that it lacks: with gzip alone, the first batch of a producer that
 * uses another would end the consumer for good.
 */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder: { buffer: Buffer }) => compressFrame(encoder.buffer),
    decompress: (buffer: Buffer) => decompressFrame(buffer),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    // Only ever read here: nothing of ours writes compressed batches.
    compress: () => Promise.reject(new Error('zstd can be read, but not written')),
    decompress: (buffer: Buffer) => Promise.resolve(Buffer.from(decompressZstd(buffer))),
  });
}
