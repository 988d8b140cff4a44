import { createCipheriv, createHash } from 'node:crypto'

const chunkBytes = 256 * 1024

/** The bytes of a file by its size alone: the same each time, and no part like another. */
export function* fileContent(size: number): Generator<Buffer> {
  const stream = createCipheriv(
    'aes-128-ctr',
    createHash('md5').update(`file of ${size}`).digest(),
    Buffer.alloc(16),
  )
  for (let left = size; left > 0; left -= chunkBytes)
    yield stream.update(Buffer.alloc(Math.min(left, chunkBytes)))
}

/** SHA-256 of that file, in hex. */
export function fileDigest(size: number): string {
  const hash = createHash('sha256')
  for (const chunk of fileContent(size)) hash.update(chunk)
  return hash.digest('hex')
}
