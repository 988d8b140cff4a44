import { join } from 'node:path'
import type { Market } from './market.js'
import { enrolHub, type Person } from './people.js'
import type { Program } from './program.js'
import { builtProgram } from './repository.js'

/**
 * A hub that signs promises far beyond its pool, or, with `hides`, one that publishes or promises less than it owes
 * (test/actors/dishonestHub.ts).
 */
export async function openDishonestHub(
  market: Market,
  name: string,
  { pool, hides }: { readonly pool: string; readonly hides?: 'everything' | 'half' | 'totals' },
): Promise<Person & { readonly program: Program }> {
  const hub = await enrolHub(market, name)
  await hub.run('pool', 'fund', pool)
  const { home } = hub.host
  const program = hub.host.start([
    ...[process.execPath, builtProgram('actors/dishonestHub.js'), '--home', join(home, '.pontage', 'hub')],
    ...['--rpc', market.testChain.rpcUrl, '--deployment', market.deploymentFile],
    ...['--password-file', join(home, 'password'), '--port', '7700'],
    ...(hides === undefined ? [] : ['--hides', hides]),
  ])
  await program.line(/"listening"/)
  return { ...hub, program }
}
