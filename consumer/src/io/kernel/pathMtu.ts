import { setTimeout as delay } from 'node:timers/promises'
import { smallestTunnelMtu, tunnelMtuOver, tunnelMtusUpTo } from '@pontage/shared'
import { CommandFailed, routeTo, runCommand, type WireguardInterface } from '@pontage/shared/node'

/** The largest packet that a tunnel may carry, in bytes, and how that was found. */
export interface PathMtu {
  readonly mtu: number
  /** Part of a sentence, for people. */
  readonly because: string
}

/** A path to a provider, its tunnel up and its gateway routed. */
export interface TunnelPath {
  readonly tunnel: WireguardInterface
  readonly gateway4: string
  /** Where the tunnel's own packets go, and the mark they carry. */
  readonly endpoint: string
  readonly mark: number
  /** What the provider's end takes. */
  readonly offered: number
}

/** For the first answer at all, the greeting of the two ends included; then for the larger ones. */
const firstAnswerSeconds = 4
const answerSeconds = 2
/** How much later than the smallest packet the largest may come back. */
const graceMs = 150
const ipAndIcmpHeaders = 28

/** What this machine itself knows of the way: its own network's, or what a router on the way told it. */
export async function knownMtu({ endpoint, mark, offered }: Omit<TunnelPath, 'tunnel' | 'gateway4'>) {
  const family = endpoint.includes(':') ? 6 : 4
  const route = await routeTo(endpoint, { mark })
  return route === undefined ? smallestTunnelMtu : Math.min(offered, tunnelMtuOver(route.mtu, family))
}

/**
 * Tries which packets come back whole from the tunnel's other end. They travel as every packet of the tunnel will,
 * so that it does not matter what else a network on the way lets through. Nothing that they need is counted or paid.
 *
 * @param largest - What {@link knownMtu} said.
 * @returns 1,280 where nothing can be learnt.
 */
export async function findPathMtu(path: TunnelPath, largest: number): Promise<PathMtu> {
  const least = (because: string): PathMtu => ({ mtu: smallestTunnelMtu, because })
  if (largest === smallestTunnelMtu) return least('larger ones do not fit into the network')
  try {
    const mtu = await largestAnswered(path, largest)
    if (mtu === undefined) return least('the provider’s end does not answer pings')
    // A packet that was taken apart comes back, too; but then a router told our kernel why.
    const known = await knownMtu(path)
    if (known < mtu) return { mtu: known, because: 'a router on the way does not take larger ones' }
    const because = mtu === largest ? 'they arrived whole' : 'larger ones were lost'
    return { mtu, because }
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    return least(error.problem === 'not-found' ? 'ping is not installed' : 'ping does not work here')
  }
}

/**
 * Tries the largest beside the smallest, which nearly always is enough; else all sizes at once: what is too large is lost
 * without a word, and waiting for it takes seconds.
 *
 * @returns undefined where nothing comes back.
 */
async function largestAnswered(path: TunnelPath, largest: number): Promise<number | undefined> {
  const enough = new AbortController()
  const asked: Promise<unknown>[] = []
  const ask = (size: number, seconds: number): Promise<boolean> => {
    const came = answers(path, size, seconds, enough.signal)
    asked.push(came)
    return came
  }
  try {
    const whole = ask(largest, firstAnswerSeconds).catch(() => false)
    const least = ask(smallestTunnelMtu, firstAnswerSeconds)
    const waited = least.then(() => delay(graceMs)).then(() => false)
    if (await Promise.race([whole, waited])) return largest
    if (!(await least)) return undefined
    const tried = tunnelMtusUpTo(largest)
      .filter((size) => size > smallestTunnelMtu)
      .map((size) => ({ size, came: ask(size, answerSeconds).catch(() => false) }))
    for (const { size, came } of tried) if (await came) return size
    return smallestTunnelMtu
  } finally {
    enough.abort()
    await Promise.allSettled(asked)
  }
}

/** Whether a packet of this size comes back in time; asked again and again, since any may be lost. */
export async function answers(
  { tunnel, gateway4 }: Pick<TunnelPath, 'tunnel' | 'gateway4'>,
  size: number,
  withinSeconds: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const ping = ['ping', '-n', '-q', '-c', '1', '-i', '0.2', '-w', String(withinSeconds)]
  try {
    await runCommand([...ping, '-s', String(size - ipAndIcmpHeaders), gateway4], {
      ...(tunnel.netns === undefined ? {} : { netns: tunnel.netns }),
      ...(signal === undefined ? {} : { signal }),
    })
    return true
  } catch (error) {
    // 1: no answer came. Everything else says nothing about the path.
    if (error instanceof CommandFailed && error.exitCode === 1) return false
    throw error
  }
}
