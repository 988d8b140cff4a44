import { setTimeout as delay } from 'node:timers/promises'
import type { ControlHandlers } from '@pontage/shared/node'
import { readLendings } from '../../../io/home/lendings.js'
import { createLendings } from '../../lend/lendings.js'
import { viewsOf } from '../../lend/views.js'
import type { ConnectionOptions } from '../connection.js'
import { handlersOf, openLender } from '../lending/holdLendings.js'

/** Before a lending that does not begin is tried again. */
const againAfterMs = 30_000

/** Lends what members ask for, beside the connection; what was lent before the service was restarted is lent again. */
export function serviceLendings(settings: ConnectionOptions, tell: (name: string, sentence: string) => void) {
  const stop = new AbortController()
  let opened: ReturnType<typeof openLender> | undefined
  let users = 0

  /** The home is others' while nothing is lent. */
  const lendings = createLendings(
    settings.home,
    () => {
      opened ??= openLender(settings, settings)
      opened.catch(() => {
        opened = undefined
      })
      return opened
    },
    (name) => ({ lent() {}, report() {}, said: (sentence) => tell(name, sentence) }),
  )

  async function letGo(): Promise<void> {
    users--
    if (users > 0) return
    const last = opened
    opened = undefined
    await (await last?.catch(() => undefined))?.close()
  }

  const lend: typeof lendings.lend = async (wishes) => {
    users++
    try {
      const lent = await lendings.lend(wishes)
      void lendings.ended(wishes.name).then(letGo)
      return lent
    } catch (error) {
      await letGo()
      throw error
    }
  }

  async function again(name: string): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        // A member may have stopped it meanwhile, or lent it again.
        const isKept = (await readLendings(settings.home)).some((each) => each.name === name)
        if (!isKept || lendings.stateOf(name) !== undefined) return
        await lend({ name, limits: { budget: [], cap: [], maxPrice: [] } })
        return
      } catch (error) {
        tell(name, (error as Error).message)
      }
      await delay(againAfterMs, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  }

  const handlers: ControlHandlers = handlersOf({
    lend,
    list: () => viewsOf(settings.home, (name) => lendings.stateOf(name)),
    forget: lendings.forget,
  })
  return {
    handlers,
    /** Lends again what is kept. */
    async begin(): Promise<void> {
      for (const { name } of await readLendings(settings.home)) void again(name)
    },
    async close(): Promise<void> {
      stop.abort()
      await lendings.close()
    },
  }
}
