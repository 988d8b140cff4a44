import type { ChildProcess } from 'node:child_process'
import { startMonitor } from '@pontage/shared/node'

/** After a change has been told: one command makes many changes, and one look is enough for them. */
const settleMs = 30
/** Between two looks, however many changes are told. */
const mostOftenMs = 250
/** A monitor that ends is started again after so long; one that could not be started, or ended soon, later. */
const restartAfterMs = 1_000
const tryAgainAfterMs = 10_000
/** It hears nothing before it has begun to listen. */
const listensAfterMs = 1_000

/** What somebody changed: `network` where interfaces, addresses or routes did, `rules` where only firewall or rules did. */
export type Change = 'network' | 'rules'

/**
 * Calls `changed` soon after somebody changed firewall, rules, routes, addresses or interfaces. It may be called for
 * nothing, and is for what a monitor may have missed. Where they cannot run it is called seldom: whoever must know also looks now
 * and then.
 *
 * @param where.netns - Network namespace of the firewall; left out: ours, as for all the rest.
 */
export function watchKernel(where: { netns?: string }, changed: (change: Change) => void): { close(): void } {
  const running = new Set<ChildProcess>()
  const timers = new Set<NodeJS.Timeout>()
  let isClosed = false
  let lastAt = 0
  let pending: Change | undefined

  const later = (ms: number, work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      work()
    }, ms)
    timer.unref()
    timers.add(timer)
  }
  const told = (change: Change) => {
    const isWaiting = pending !== undefined
    pending = change === 'network' ? change : (pending ?? change)
    if (isWaiting) return
    later(Math.max(settleMs, lastAt + mostOftenMs - performance.now()), () => {
      const what = pending ?? change
      pending = undefined
      lastAt = performance.now()
      changed(what)
    })
  }
  const start = (change: Change, monitor: readonly string[]) => {
    if (isClosed) return
    const startedAt = performance.now()
    const child = startMonitor(monitor)
    running.add(child)
    child.stdout.on('data', () => told(change))
    child.on('close', () => {
      running.delete(child)
      if (isClosed) return
      told('rules')
      const ranLong = performance.now() - startedAt > tryAgainAfterMs
      later(ranLong ? restartAfterMs : tryAgainAfterMs, () => start(change, monitor))
    })
    later(listensAfterMs, () => told('rules'))
  }
  const inside = where.netns === undefined ? [] : ['ip', 'netns', 'exec', where.netns]
  start('rules', [...inside, 'nft', 'monitor'])
  start('rules', ['ip', 'monitor', 'rule'])
  start('network', ['ip', 'monitor', 'link', 'address', 'route'])
  return {
    close() {
      isClosed = true
      for (const timer of timers) clearTimeout(timer)
      for (const child of running) child.kill('SIGKILL')
    },
  }
}
