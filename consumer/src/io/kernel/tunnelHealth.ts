import { CommandFailed, readWireguard, type WireguardInterface } from '@pontage/shared/node'
import { listen, nothingHeard } from '../../core/hearing.js'

/**
 * A peer that receives data and has none to send answers with a keepalive after 10 seconds (WireGuard, 6.5):
 * whoever is silent for longer receives nothing.
 */
const silentAfterMs = 15_000

/**
 * Looks whether a tunnel works.
 *
 * @returns A function that says what is wrong, or undefined; to be called every few seconds.
 */
export function watchHealth(
  tunnel: WireguardInterface,
  elapsedMs: () => number,
): () => Promise<string | undefined> {
  let hearing = nothingHeard
  return async () => {
    try {
      const [peer] = (await readWireguard(tunnel)).peers
      if (peer === undefined) return 'The tunnel has lost its other end.'
      const next = listen(hearing, peer, elapsedMs(), silentAfterMs)
      hearing = next.hearing
      return next.isSilent ? 'Nothing comes back through the tunnel.' : undefined
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      // A machine too busy to answer says nothing about the tunnel.
      return error.problem === 'exited' ? 'The tunnel’s interface is gone: WireGuard has ended.' : undefined
    }
  }
}

/** A greeting that was lost is sent again after so long, and how often. WireGuard itself waits for 5 s. */
const greetAgainAfterMs = 1_500
const greetAgain = 2

/** Does what needs the other end of the tunnel, and meanwhile greets it again where a greeting got lost. */
export async function greetingAgain<Result>(
  tunnel: WireguardInterface,
  greet: () => Promise<void>,
  work: () => Promise<Result>,
): Promise<Result> {
  let isDone = false
  const again = async () => {
    for (let tried = 0; tried < greetAgain; tried++) {
      if ((await greeted(tunnel, greetAgainAfterMs)) || isDone) return
      await greet()
    }
  }
  const greeting = again().catch(() => undefined) // An interface that is gone is noticed by who waits for the greeting.
  const result = await work().finally(() => {
    isDone = true
  })
  await greeting
  return result
}

/** Waits until both ends of a tunnel have greeted each other. @returns Whether they did in time. */
export async function greeted(tunnel: WireguardInterface, timeoutMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + timeoutMs
  for (;;) {
    const [peer] = (await readWireguard(tunnel)).peers
    if (peer?.latestHandshakeAt !== undefined) return true
    if (performance.now() > giveUpAt) return false
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
