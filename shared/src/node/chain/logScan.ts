import { setTimeout as pause } from 'node:timers/promises'
import { isSilence, RpcBusy } from './rpcRequest.js'
import { limitIn } from './statedLimit.js'

/** Blocks asked for at once: at first, and at most. */
const firstSize = 2_000
const largestSize = 10_000
/** Times in a row that no answer comes before the reading fails, and the milliseconds of the first pause. */
const patience = 4
const firstPauseMs = 500

/** The logs of some blocks, both ends included. */
export interface ScannedPiece<Log> {
  readonly from: number
  readonly to: number
  readonly logs: readonly Log[]
}

/**
 * Reads logs in pieces that the node accepts. A piece that is refused is asked for again in smaller ones, or as small as
 * the node says; when those are taken for a while, larger ones are tried again. Where there is no answer, it is waited
 * for a little.
 *
 * @param read - Reads the logs of the blocks `from` to `to`, both included.
 * @throws Error when a single block is refused, or no answer comes again and again.
 */
export async function* inPieces<Log>(
  from: number,
  to: number,
  read: (from: number, to: number) => Promise<Log[]>,
): AsyncGenerator<ScannedPiece<Log>> {
  let size = firstSize
  /** Pieces to be taken before a larger one is tried: more, each time that one was refused. */
  let growAfter = 1
  let isTrying = false
  let taken = 0
  let silent = 0
  for (let start = from; start <= to; ) {
    const end = Math.min(to, start + size - 1)
    let logs: Log[]
    try {
      logs = await read(start, end)
    } catch (error) {
      if (isSilence(error)) {
        silent += 1
        if (silent >= patience) throw error
        await pause(firstPauseMs * 2 ** (silent - 1))
      } else {
        if (end === start) throw error
        growAfter = isTrying ? growAfter * 2 : Math.max(growAfter, 8)
        isTrying = false
        taken = 0
      }
      const asked = end - start + 1
      const stated = isSilence(error) ? undefined : statedRange(error, asked)
      if (!(error instanceof RpcBusy)) size = Math.max(1, stated ?? Math.floor(asked / 2))
      continue
    }
    silent = 0
    taken += 1
    isTrying = false
    yield { from: start, to: end, logs }
    start = end + 1
    if (taken < growAfter || end === to) continue
    size = Math.min(largestSize, size * 2)
    isTrying = true
    taken = 0
  }
}

/** The logs alone, one after the other. */
export async function* inChunks<Log>(
  from: number,
  to: number,
  read: (from: number, to: number) => Promise<Log[]>,
): AsyncGenerator<Log> {
  for await (const { logs } of inPieces(from, to, read)) yield* logs
}

/** The blocks at a time that the node's own words allow. */
function statedRange(error: unknown, below: number): number | undefined {
  const { message, error: nested, info } = error as { message: string; error?: Said; info?: { error?: Said } }
  const said = info?.error?.message ?? nested?.message ?? message
  return /range|blocks/i.test(said) ? limitIn(said, below) : undefined
}

interface Said {
  readonly message: string
}
