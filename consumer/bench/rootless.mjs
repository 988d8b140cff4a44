import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { runCommand } from '../../shared/dist/node/index.js'
import { logged, programPath, seatConsumer } from '../../test/dist/world/index.js'
import { median } from './median.mjs'

// How much a tunnel for one program carries, made without root and with it, in turn in one run; and without root where sockets
// have as much room as docs/devices.md says.

const turns = 3
const secondsEach = 3
const nobody = '65534'
const room = '/proc/sys/net/core/rmem_default'
const roomBytes = '4194304'

/**
 * @param {import('../../test/dist/world/index.js').Market} market
 * @param {{ address: `0x${string}` }} hub
 * @param {{ address: `0x${string}` }} provider
 * @returns Mbit/s, medians of the turns; null for more room where this machine does not let it be given.
 */
export async function rootlessMbit(market, hub, provider) {
  // As most systems have it.
  await runCommand([
    'sh',
    '-c',
    'mknod /run/open-tun c 10 200 && chmod 666 /run/open-tun && mount --bind /run/open-tun /dev/net/tun',
  ])
  const people = {
    root: await seatConsumer(market, 'root', '20'),
    none: await seatConsumer(market, 'none', '20'),
  }
  for (const person of Object.values(people))
    await person.run('channel', 'open', '--hub', hub.address, '--amount', '10')
  chmodSync(market.world.folder, 0o711)
  await runCommand(['chown', '-R', `${nobody}:${nobody}`, people.none.host.home])
  const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--']
  const seen = { root: [], none: [], roomy: [] }
  let port = 5_400
  const measure = async (who) => {
    port += 1
    const { host } = market.internet
    const isPlain = who !== 'root'
    const server = host.start(['iperf3', '--server', '--one-off', '--forceflush', '--port', String(port)])
    await server.line(/listening/i)
    const client = people[isPlain ? 'none' : 'root'].host.start([
      ...(isPlain ? asNobody : []),
      ...[programPath('pontage'), 'exec', '--json', '--provider', provider.address, '--'],
      ...['timeout', '30', 'iperf3', '--client', host.address, '--port', String(port), '--json', '--reverse'],
      ...['--time', String(secondsEach), '--omit', '1'],
    ])
    await logged(client, 'ended', {}, 90_000)
    await client.ended
    await server.stop('SIGKILL')
    seen[who].push(JSON.parse(client.lines('stdout').join('\n')).end.sum_received.bits_per_second / 1e6)
  }
  const before = readFileSync(room, 'utf8')
  let isRoomy = true
  try {
    for (let turn = 0; turn < turns; turn++) {
      for (const who of turn % 2 === 0 ? ['root', 'none'] : ['none', 'root']) await measure(who)
      try {
        writeFileSync(room, roomBytes)
      } catch {
        isRoomy = false
        continue
      }
      await measure('roomy')
      writeFileSync(room, before)
    }
  } finally {
    if (isRoomy) writeFileSync(room, before)
  }
  const { root, none, roomy } = seen
  return {
    withRoot: median(root),
    withoutRoot: median(none),
    withoutRootMoreRoom: isRoomy ? median(roomy) : null,
  }
}
