import { CommandFailed, listIp, UserError } from '@pontage/shared/node'
import { firstBoundPriority } from './boundSockets.js'
import type { TunnelRoutes } from './routing.js'
import { families, rulesAndRoutes } from './rulesAndRoutes.js'
import type { Part } from './upkeep.js'

/** Far away, one for each half of the address space: nobody's own network. */
const farAway = { 4: ['1.0.0.1', '203.0.113.254'], 6: ['2001:db8::1'] } as const

/**
 * Whether what programs send really goes into the tunnel, to be watched: another tunnel's rules may come before ours, and then
 * nothing passes, because the firewall refuses it. Such rules are nobody's mistake, and are left as they are.
 */
export const wayPart = (routes: TunnelRoutes): Part => ({
  right: '',
  look: async () => (await strayWay(routes)) ?? '',
  async apply() {
    const problem = await strayWay(routes)
    if (problem !== undefined) throw new UserError(problem)
  },
})

/** A sentence about who leads traffic past the tunnel; undefined where nobody does. */
export async function strayWay(routes: TunnelRoutes): Promise<string | undefined> {
  const ways = (await Promise.all(families().map(devicesFarAway))).flat()
  const stray = ways.find(({ device }) => device !== undefined && device !== routes.interface)
  if (stray === undefined) return undefined
  const { family, device } = stray
  const earlier = (await rulesAndRoutes(family)).rules.filter(
    ({ priority }) => priority > 0 && priority < firstBoundPriority,
  )
  const by = earlier.map((rule) => `ip -${family} rule ${rule.priority} (table ${rule.table ?? 'none'})`)
  return `Traffic would leave by ${device} and not through the tunnel, so the kill switch refuses it: ${by.length > 0 ? `${by.join(', ')} comes` : 'routes come'} before it. If that is another VPN, end it, or use "pontage exec" for what is to go through the tunnel.`
}

/** By which device what is far away is reached; nowhere is no other way. */
async function devicesFarAway(family: 4 | 6): Promise<{ family: 4 | 6; device: string | undefined }[]> {
  const questions = farAway[family].map((address) => ['route', 'get', address])
  const asked = (some: readonly (readonly string[])[]) =>
    listIp(some, { family }).then(
      (ways) => ways.map(([way]) => ({ family, device: (way as { dev?: string } | undefined)?.dev })),
      (error) => {
        if (error instanceof CommandFailed) return undefined
        throw error
      },
    )
  // One that cannot be reached says nothing of the others.
  const together = await asked(questions)
  return together ?? (await Promise.all(questions.map((each) => asked([each])))).flatMap((each) => each ?? [])
}
