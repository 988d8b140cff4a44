import type { ControlHandlers } from '@pontage/shared/node'
import { UserError } from '@pontage/shared/node'
import { isLockedDown } from '../../../io/kernel/lockdown.js'
import { restore } from '../../connect/disconnect.js'
import { status } from '../../connect/status.js'
import { alreadyOpen } from '../../context.js'
import { type Asked, type ConnectionOptions, holdConnection } from '../connection.js'
import { wishesIn } from './request.js'
import type { WarmContext } from './warmContext.js'

/** What a member is told of a connection that is up. */
export interface ConnectedAnswer {
  readonly provider: string
  readonly interface: string
  readonly country: string
}

/** Answers members of its group: one connection at a time, with chain and key open between them. */
export interface Service {
  readonly handlers: ControlHandlers
  /** Ends the connection, if there is one. */
  close(): Promise<void>
}

/**
 * @param settings - What every connection is made with.
 * @param warm - Chain and key, opened anew after each connection.
 * @param tell - Takes failures that nobody waits for.
 */
export function createService(
  settings: ConnectionOptions,
  warm: WarmContext,
  tell: (failure: Error) => void,
): Service {
  let asked: Asked | undefined
  let stop: AbortController | undefined
  let over: Promise<unknown> | undefined

  async function connect(argv: ConnectionOptions): Promise<ConnectedAnswer> {
    if (over !== undefined)
      throw new UserError(
        'There is a connection already: "pontage status" shows it, "pontage disconnect" ends it.',
      )
    const ending = new AbortController()
    stop = ending
    return new Promise((resolve, reject) => {
      over = holdConnection(argv, {
        stop: ending,
        // Root alone has set it.
        keepsLockdown: true,
        open: async () => alreadyOpen(await warm.take()),
        onAsked: (told) => {
          asked = told
        },
        onScreen: (screen) => ({
          ...screen,
          report: (report, budget) => report.kind === 'progress' || screen.report(report, budget),
          connected(tunnel) {
            screen.connected(tunnel)
            resolve({ provider: tunnel.provider, interface: tunnel.interface, country: tunnel.country })
          },
        }),
      })
        .then(
          () => reject(new UserError('The connection ended before it was up.')),
          (error: Error) => {
            reject(error)
            tell(error)
          },
        )
        .finally(() => {
          asked = undefined
          stop = undefined
          over = undefined
          return renew()
        })
    })
  }

  async function renew(): Promise<void> {
    await warm.drop()
    // Whoever connects next hears of what fails.
    warm.take().catch(() => undefined)
  }

  /** Ends what is not up yet; without any, restores what an earlier connection left. */
  async function calledOff(): Promise<'ended' | 'restored' | 'nothing'> {
    if (over === undefined) return restore(settings.home).finally(renew)
    stop?.abort()
    await over
    return 'ended'
  }

  return {
    handlers: {
      status: () => asked?.status() ?? status(settings.home),
      connect: async (request) =>
        connect({ ...settings, ...wishesIn(request, { ...settings }) } as ConnectionOptions),
      async disconnect() {
        const { result } = (await asked?.disconnect()) ?? { result: await calledOff() }
        await over
        return { result: isLockedDown() ? 'shut' : result, goesOn: true }
      },
    },
    async close() {
      stop?.abort()
      await over
    },
  }
}
