import { Downloads } from '../../provider/bench/dist/throughput.js'
import { eventually, logged, seatBehind, seatConsumer } from '../../test/dist/world/index.js'
import { median } from './median.mjs'

// How much a machine behind a gateway gets, and the gateway itself, in turn in one run.

const pairs = 5
const secondsEach = 3

/**
 * @param {import('../../test/dist/world/index.js').Market} market
 * @param {{ address: `0x${string}` }} hub
 * @param {{ address: `0x${string}` }} provider
 * @returns Mbit/s, medians of the pairs.
 */
export async function gatewayMbit(market, hub, provider) {
  const gateway = await seatConsumer(market, 'gateway', '20')
  await gateway.run('channel', 'open', '--hub', hub.address, '--amount', '10')
  const behind = await market.world.addHost('behind')
  await seatBehind(gateway.host, behind, 'lan0', {
    4: ['192.168.7.1', '192.168.7.2'],
    6: ['fd07::1', 'fd07::2'],
  })
  await eventually('the new device has its addresses', async () => {
    const { stdout } = await gateway.host.run(['ip', '-6', 'address', 'show', 'tentative'])
    return stdout === ''
  })
  // More than what all of them carry, which is more than a connect spends without a word of its own.
  const words = ['connect', '--json', '--gateway', 'lan0', '--provider', provider.address, '--budget', '1']
  const session = gateway.start(words)
  await logged(session, 'connected', {}, 90_000)
  const downloads = new Downloads(market.internet.host)
  const hosts = { behind, itself: gateway.host }
  const seen = { behind: [], itself: [] }
  for (let pair = 0; pair < pairs; pair++)
    for (const who of pair % 2 === 0 ? ['behind', 'itself'] : ['itself', 'behind'])
      seen[who].push((await downloads.measure(hosts[who], secondsEach)) / 1e6)
  await session.stop('SIGINT', 30_000)
  return { behind: median(seen.behind), itself: median(seen.itself) }
}
