import { dropKeptSockets } from '@pontage/shared/node'
import type { Context } from '../../context.js'

/** Chain and key, opened before somebody asks: it is what connecting would otherwise wait for. */
export interface WarmContext {
  /** Opens them unless they are open. @throws UserError when that fails; the next one tries again */
  take(): Promise<Context>
  /** Closes them: their connections came about on a network that has changed since. */
  drop(): Promise<void>
}

export function createWarmContext(open: () => Promise<Context>): WarmContext {
  let opening: Promise<Context> | undefined
  return {
    take() {
      const mine = opening ?? open()
      opening = mine
      mine.catch(() => {
        if (opening === mine) opening = undefined
      })
      return mine
    },
    async drop() {
      const last = opening
      opening = undefined
      const context = await last?.catch(() => undefined)
      context?.chain.close()
      dropKeptSockets()
    },
  }
}
