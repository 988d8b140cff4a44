import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { type NftChange, startMonitor } from '@pontage/shared/node'

/** Hears what is changed in a table, so that nobody has to read all of it to know that nothing was. */
export interface TableWatch {
  /**
   * How many changes were made before this question, as far as they were heard: where two answers are equal, there was none in
   * between.
   *
   * @returns undefined where that is not known: nobody listens yet or any more, or what is heard lags behind.
   */
  changes(): Promise<number | undefined>
  close(): void
}

/** A quota to which nothing refers. Each question sets it to its own number, and is heard after all that came before. */
const question = 'asked'
/** What is heard later than this is not waited for. */
const mostLagMs = 1_000
/** Between two starts of a monitor that ends. */
const startAgainAfterMs = 10_000

/** One object as `nft --json monitor` tells of it. */
interface Told {
  readonly family: string
  readonly table?: string
  readonly name?: string
  readonly bytes?: number
}

/**
 * Listens to `nft monitor`. Counters, quotas and elements come and go with sessions and are no changes.
 *
 * @param sets - Whose elements count, as they do not follow the sessions.
 */
export function watchTable(
  table: string,
  sets: readonly string[],
  apply: (changes: readonly NftChange[]) => Promise<void>,
): TableWatch {
  const news = new EventEmitter()
  let changes = 0
  let asked = 0
  let heard = 0
  let isListening = false
  let startedAt = 0
  let monitor: ReturnType<typeof startMonitor> | undefined
  start()

  function start() {
    startedAt = performance.now()
    monitor = startMonitor(['nft', '--json', 'monitor'])
    createInterface({ input: monitor.stdout }).on('line', hear)
    monitor.on('close', () => {
      monitor = undefined
      isListening = false
      changes += 1
      news.emit('heard')
    })
  }

  function hear(line: string) {
    const [kind, told] = understood(line)
    if (kind === 'quota' && told?.table === table && told.name === question) {
      heard = told.bytes ?? 0
      isListening = true
      news.emit('heard')
    } else if (isChange(kind, told)) changes += 1
  }

  function isChange(kind: string | undefined, told: Told | undefined): boolean {
    // What it lost it says in a sentence.
    if (kind === undefined || told === undefined) return true
    const { family, name = '' } = told
    if (family !== 'inet' || (kind === 'table' ? name : told.table) !== table) return false
    return kind === 'element' ? sets.includes(name) : kind !== 'counter' && kind !== 'quota'
  }

  return {
    async changes() {
      if (monitor === undefined && performance.now() - startedAt > startAgainAfterMs) start()
      const mine = ++asked
      try {
        await apply([{ verb: 'add', kind: 'quota', name: question, over: BigInt(mine) }])
        // Until it is heard for the first time there is no telling when it will be.
        const tooLate = AbortSignal.timeout(mostLagMs)
        while (isListening && heard < mine) await once(news, 'heard', { signal: tooLate })
      } catch {
        isListening = false
      }
      return isListening ? changes : undefined
    },
    close() {
      monitor?.kill('SIGKILL')
      monitor = undefined
      startedAt = Number.POSITIVE_INFINITY
    },
  }
}

/** What is told, by its kind; nothing where it is another text. */
function understood(line: string): [kind?: string, told?: Told] {
  try {
    const [event] = Object.values(JSON.parse(line) as Record<string, Record<string, Told>>)
    return Object.entries(event ?? {})[0] ?? []
  } catch {
    return []
  }
}
