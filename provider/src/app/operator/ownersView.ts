import { controlPath, listenControl, watchGas } from '@pontage/shared/node'
import type { Firewall } from '../../io/kernel/firewall.js'
import type { Components } from '../components.js'
import type { PathMtus } from '../metering/pathMtus.js'
import type { Sessions } from '../metering/sessions.js'
import type { Reached } from '../offer/reach.js'
import type { Retirement } from '../retirement/drain.js'
import type { Settings } from '../settings.js'
import type { Upkeep } from '../upkeep/upkeep.js'
import { createControl } from './control.js'
import type { Metrics } from './metrics.js'

/** Opens all through which the owner looks at, and steers, what runs: control socket, metrics, gas watch. */
export async function openOwnersView(
  components: Components,
  settings: Settings,
  view: {
    readonly sessions: Sessions
    readonly firewall: Firewall
    readonly metrics: Metrics
    readonly reach: () => Promise<Reached[]>
    readonly pathMtus: PathMtus
    readonly retirement: Retirement
    readonly upkeep: Upkeep
  },
): Promise<{ close(): Promise<void> }> {
  const { sessions, firewall, metrics, reach, pathMtus, retirement, upkeep } = view
  const gas = watchGas({
    ...components,
    warnBelow: settings.gasWarnBelow,
    otherwise: 'nothing can be drawn or redeemed',
  })
  const closing = new AbortController()
  void gas.run(closing.signal)
  try {
    const page =
      settings.metricsPort === undefined
        ? undefined
        : await metrics.listen(settings.metricsPort, {
            components,
            sessions: () => sessions.all(),
            firewall,
            gas,
          })
    const control = createControl(components, {
      ...{ sessions, firewall, gas, reach, pathMtus, retirement, upkeep, settings },
    })
    const socket = await listenControl({ path: controlPath(settings.home) }, control)
    return {
      async close() {
        closing.abort()
        await socket.close()
        await page?.close()
      },
    }
  } catch (error) {
    closing.abort()
    throw error
  }
}
