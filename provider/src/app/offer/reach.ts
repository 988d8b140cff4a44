import { explain, type Hex, printable } from '@pontage/shared'
import { generateWireguardKeys, wireguardKeyToHex } from '@pontage/shared/node'
import type { Machine } from '../../io/kernel/machine.js'
import type { HubLink } from '../../io/link/hubLink.js'

/** What one hub found when it tried our ports. */
export interface Reached {
  readonly hub: string
  readonly endpoint: string
  /** Whether the hub tried: one that does not answer says nothing about our ports. */
  readonly tried: boolean
  /** Undefined when it was reached. */
  readonly problem: string | undefined
}

/** Where we are reached from outside. */
export interface Ports {
  /** HOST:PORT, by TCP. */
  readonly endpoint: string
  readonly certificate: Hex
  readonly wireguardKey: Hex
  /** UDP port of the tunnels. */
  readonly udpPort: number
}

/** Longer than a hub tries: five seconds for TCP, three for UDP. */
const answerWithinMs = 10_000

/** Asks our hubs to try our ports from outside: the endpoint, and WireGuard behind it. */
export async function tryReach(
  hubs: Iterable<HubLink>,
  machine: Pick<Machine, 'greetable'>,
  { endpoint, certificate, wireguardKey, udpPort }: Ports,
): Promise<Reached[]> {
  // Keys for this once: whoever has them gets an answer and nothing else.
  const greeter = generateWireguardKeys()
  const takeBack = await machine.greetable(greeter.publicKey)
  const asked = {
    ...{ endpoint, certificate },
    wireguard: { port: udpPort, publicKey: wireguardKey, greeter: wireguardKeyToHex(greeter.privateKey) },
  }
  try {
    return await Promise.all(
      [...hubs].map(async (link) => {
        const answer = await link.request('reach', asked, answerWithinMs)
        if (!answer.ok)
          return {
            ...{ hub: link.hub, endpoint, tried: false },
            problem: `Not tried: ${explain(answer.refusal)}`,
          }
        const { problem } = answer.value
        return {
          ...{ hub: link.hub, endpoint, tried: true },
          problem: problem === '' ? undefined : printable(problem),
        }
      }),
    )
  } finally {
    await takeBack()
  }
}

/** Why nobody reaches us, by what all hubs say that tried; undefined where one does, or none tried. */
export function whyUnreached(reached: readonly Reached[]): string | undefined {
  const tried = reached.filter((each) => each.tried)
  return tried.length > 0 && tried.every(({ problem }) => problem !== undefined)
    ? tried[0]?.problem
    : undefined
}
