import type { Components } from '../components.js'
import type { Sessions } from '../metering/sessions.js'

/** The way out of a program that serves: nobody new, and the end once nobody is left. */
export interface Retirement {
  /** Whether it has begun: from then on nobody is let in. */
  hasBegun(): boolean
  /**
   * Begins it; again changes nothing.
   * @param now - Ends the sessions that still run.
   * @returns How many there are.
   */
  begin(now: boolean): Promise<number>
  /** Resolves when it has begun and the last session has ended. */
  readonly drained: Promise<void>
}

const lookEveryMs = 500

/** Prepares for an order to retire that may come while the program runs. */
export function prepareRetirement(
  { log }: Pick<Components, 'log'>,
  sessions: Pick<Sessions, 'all' | 'count' | 'end'>,
): Retirement & { stop(): void } {
  let timer: NodeJS.Timeout | undefined
  let drain: () => void = () => undefined
  const drained = new Promise<void>((resolve) => {
    drain = resolve
  })
  return {
    drained,
    hasBegun: () => timer !== undefined,
    async begin(now) {
      if (timer === undefined) log.info('retiring', { sessions: sessions.count, now })
      timer ??= setInterval(() => {
        if (sessions.count === 0) drain()
      }, lookEveryMs)
      if (now)
        for (const { record } of sessions.all()) await sessions.end(record.id, { code: 'provider-stopping' })
      return sessions.count
    },
    stop: () => clearInterval(timer),
  }
}
