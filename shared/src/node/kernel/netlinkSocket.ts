import { createRequire } from 'node:module'
import { endianness } from 'node:os'
import { getSystemErrorMessage } from 'node:util'
import { messagesIn, type NftAnswer, NftRequest } from './nftMessages.js'

/** From the headers of Linux: `socket.h`, `netlink.h`, `errno.h`. */
const netlinkFamily = 16
const rawAndClosedOnExec = 3 | 0o2000000
const netfilter = 12
const dontWait = 0x40
const tryAgain = 11

/** The kernel sends no larger pieces of a list. */
const answerLength = 65_536
/** Counted from one again, before they fill their 32 bits. */
const highestSequence = 0x4000_0000

/**
 * A socket to the kernel's firewall. The kernel answers before a call returns, so nothing is waited for; where somebody else changes
 * rules, it answers once that is done.
 */
export class NetlinkSocket {
  readonly #answer = Buffer.alloc(answerLength)
  #sequence = 1

  private constructor(
    private readonly system: System,
    private descriptor: number,
  ) {}

  /** @returns undefined where this kind of machine does not allow it. */
  static open(): NetlinkSocket | undefined {
    system ??= loadSystem()
    if (system === 'missing') return undefined
    const descriptor = system.socket(netlinkFamily, rawAndClosedOnExec, netfilter)
    return descriptor < 0 ? undefined : new NetlinkSocket(system, descriptor)
  }

  /** A request whose answers will be known by their sequences. */
  request(): NftRequest {
    return new NftRequest(this.#sequence)
  }

  /**
   * Sends, and gives each message of the answer, for as long as it is looked for. Each is overwritten by what comes after it.
   *
   * @throws Error when nothing comes, RangeError for an answer that is none.
   */
  *ask(request: NftRequest): Generator<NftAnswer> {
    const { bytes, last } = request
    const first = this.#sequence
    this.#sequence = last < highestSequence ? last + 1 : 1
    if (this.system.send(this.descriptor, bytes, bytes.length, 0) !== bytes.length)
      throw new Error(`The kernel could not be asked about its firewall: ${this.#problem()}`)
    try {
      for (;;) {
        const length = this.#receive()
        if (length < 0) throw new Error(`The kernel did not answer about its firewall: ${this.#problem()}`)
        for (const answer of messagesIn(this.#answer.subarray(0, length)))
          if (answer.sequence >= first && answer.sequence <= last) yield answer
      }
    } finally {
      // The rest of an answer that was not read to its end would keep the next list from being begun.
      while (this.#receive() >= 0);
    }
  }

  /** Whoever asks after that is told that there is no such descriptor: its number may be somebody else's by then. */
  close(): void {
    this.system.close(this.descriptor)
    this.descriptor = -1
  }

  #receive(): number {
    return this.system.receive(this.descriptor, this.#answer, answerLength, dontWait)
  }

  #problem(): string {
    const number = this.system.problem()
    return number === tryAgain ? 'nothing came' : getSystemErrorMessage(-number)
  }
}

interface System {
  socket(family: number, kind: number, protocol: number): number
  send(descriptor: number, bytes: Buffer, length: number, flags: number): number
  receive(descriptor: number, bytes: Buffer, length: number, flags: number): number
  close(descriptor: number): number
  problem(): number
}

// Not before there is a firewall to look after: most commands have none.
let system: System | 'missing' | undefined

/** Node has no sockets of this kind, so the system's library is called itself. */
function loadSystem(): System | 'missing' {
  if (endianness() !== 'LE') return 'missing'
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const library = koffi.load(null)
    return {
      socket: library.func('int socket(int, int, int)'),
      send: library.func('int64_t send(int, const void *, size_t, int)'),
      receive: library.func('int64_t recv(int, void *, size_t, int)'),
      close: library.func('int close(int)'),
      problem: () => koffi.errno(),
    }
  } catch {
    // On this kind of machine commands do what is to be done.
    return 'missing'
  }
}
