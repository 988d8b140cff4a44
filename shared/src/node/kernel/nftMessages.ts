// What is asked of the kernel's nftables and what it answers, as linux/netlink.h and linux/netfilter/nf_tables.h lay it out:
// messages of attributes, each padded to 4 bytes. Lengths and kinds are in the machine's order of bytes (little-endian, see
// netlinkSocket.ts), values in that of the network.

/** Kinds of messages. */
export const kinds = {
  ...{ error: 0x2, done: 0x3, batchBegin: 0x10, batchEnd: 0x11 },
  ...{ addElement: 0xa0c, listElements: 0xa0d, deleteElement: 0xa0e },
  ...{ generation: 0xa0f, askGeneration: 0xa10 },
  ...{ addObject: 0xa12, readObject: 0xa13, deleteObject: 0xa14 },
} as const

/** Marks of messages. */
export const marks = {
  request: 0x1,
  acknowledge: 0x4,
  interrupted: 0x10,
  dump: 0x300,
  create: 0x400,
} as const

/** Netlink's header, and the one of its part that is the firewall. */
const headerLength = 20
const familyInet = 1
const padded = (length: number): number => (length + 3) & ~3

/** Messages to the kernel, written one after another. */
export class NftRequest {
  #bytes = Buffer.alloc(4_096)
  #length = 0

  /** @param sequence - Of the first message; each has the next. */
  constructor(private sequence: number) {}

  /** What was written. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Sequence of the message written last. */
  get last(): number {
    return this.sequence - 1
  }

  message(kind: number, flags: number, body: (request: this) => void = () => {}, resource = 0): this {
    const at = this.#take(headerLength)
    this.#bytes.writeUInt16LE(kind, at + 4)
    this.#bytes.writeUInt16LE(marks.request | flags, at + 6)
    this.#bytes.writeUInt32LE(this.sequence++ >>> 0, at + 8)
    this.#bytes[at + 16] = familyInet
    this.#bytes.writeUInt16BE(resource, at + 18)
    body(this)
    this.#bytes.writeUInt32LE(this.#length - at, at)
    return this
  }

  /** An attribute made of others. */
  nested(kind: number, body: (request: this) => void): this {
    const at = this.#take(4)
    body(this)
    this.#head(at, this.#length - at, kind | 0x8000)
    return this
  }

  /** Text, with the zero at its end. */
  text(kind: number, text: string): this {
    return this.raw(kind, Buffer.from(`${text}\0`, 'latin1'))
  }

  number(kind: number, value: number): this {
    const at = this.#attribute(kind, 4)
    this.#bytes.writeUInt32BE(value, at)
    return this
  }

  bigNumber(kind: number, value: bigint): this {
    const at = this.#attribute(kind, 8)
    this.#bytes.writeBigUInt64BE(value, at)
    return this
  }

  raw(kind: number, value: Buffer): this {
    const at = this.#attribute(kind, value.length)
    value.copy(this.#bytes, at)
    return this
  }

  /** @returns Where its value is to stand, in bytes that may be others than before. */
  #attribute(kind: number, length: number): number {
    const at = this.#take(padded(4 + length))
    this.#head(at, 4 + length, kind)
    return at + 4
  }

  #head(at: number, length: number, kind: number): void {
    this.#bytes.writeUInt16LE(length, at)
    this.#bytes.writeUInt16LE(kind, at + 2)
  }

  #take(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const more = Buffer.alloc(Math.max(2 * this.#bytes.length, this.#length))
      this.#bytes.copy(more)
      this.#bytes = more
    }
    return at
  }
}

/** One message of an answer: where its attributes are, or the number of the error that it tells of. */
export interface NftAnswer {
  /** What came, with the messages before and after it. */
  readonly answer: Buffer
  readonly kind: number
  readonly flags: number
  readonly sequence: number
  readonly from: number
  readonly to: number
}

/**
 * The messages of an answer.
 *
 * @throws RangeError where a length does not fit.
 */
export function* messagesIn(answer: Buffer): Generator<NftAnswer> {
  for (let at = 0; at < answer.length; ) {
    const length = at + headerLength <= answer.length ? answer.readUInt32LE(at) : 0
    if (length < headerLength || at + length > answer.length)
      throw misfit('a message', length, answer.length - at)
    const kind = answer.readUInt16LE(at + 4)
    yield {
      answer,
      kind,
      flags: answer.readUInt16LE(at + 6),
      sequence: answer.readUInt32LE(at + 8),
      from: at + (kind === kinds.error ? headerLength - 4 : headerLength),
      to: at + length,
    }
    at += padded(length)
  }
}

/**
 * Looks at each attribute of a message, or of another attribute.
 *
 * @param visit - Told its kind, and from where to where its value is.
 * @throws RangeError where a length does not fit.
 */
export function eachAttribute(
  answer: Buffer,
  { from, to }: { readonly from: number; readonly to: number },
  visit: (kind: number, from: number, to: number) => void,
): void {
  for (let at = from; at < to; ) {
    const length = at + 4 <= to ? answer.readUInt16LE(at) : 0
    if (length < 4 || at + length > to) throw misfit('an attribute', length, to - at)
    visit(answer.readUInt16LE(at + 2) & 0x3fff, at + 4, at + length)
    at += padded(length)
  }
}

const misfit = (what: string, length: number, room: number): RangeError =>
  new RangeError(`The kernel told of its firewall in ${what} of ${length} bytes where there are ${room}.`)
