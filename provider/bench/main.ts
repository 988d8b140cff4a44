import { measureAcceptance } from './acceptance.js'
import { measureCarriers } from './carriers.js'
import { measurePeers } from './peers.js'
import { measureRecoveries } from './recover.js'
import { tableOf } from './table.js'
import { measureTunnel } from './tunnel.js'

// What a provider bears: `npm run bench -w provider`, in a world of its own. With --json one object.

const manyPeers = 1_000
const say = (text: string) => process.stderr.write(`${Math.round(performance.now() / 1_000)} s: ${text}\n`)

say('recovering signers …')
const recoveries = await measureRecoveries()
say('taking promises …')
const acceptance = await measureAcceptance()
say(`admitting ${manyPeers} peers …`)
const peers = await measurePeers(manyPeers)
say('a tunnel, with and without payments …')
const tunnel = await measureTunnel()
say('a tunnel over each carrier …')
const carriers = await measureCarriers()
say('done')

const report = {
  acceptedPerSecondPerCore: Math.round(acceptance.acceptedPerSecondPerCore),
  acceptedPerSecond: Math.round(acceptance.acceptedPerSecond),
  nativeRecoverPerSecond: Math.round(recoveries.nativeRecoverPerSecond),
  ethersRecoverPerSecond: Math.round(recoveries.ethersRecoverPerSecond),
  walletCoreRecoverPerSecond: Math.round(recoveries.walletCoreRecoverPerSecond),
  meteredToAcceptedMs: tunnel.meteredToAcceptedMs,
  throughputRatio: rounded(tunnel.throughputRatio, 3),
  paidBitsPerSecond: Math.round(tunnel.paidBitsPerSecond),
  plainBitsPerSecond: Math.round(tunnel.plainBitsPerSecond),
  bareBitsPerSecond: Math.round(tunnel.bareBitsPerSecond),
  unpaidBytesAtStop: tunnel.unpaidBytesAtStop,
  creditBytes: tunnel.creditBytes,
  carriers,
  peers: {
    [manyPeers]: {
      tickMs: rounded(peers.tickMs, 1),
      admitMs: rounded(peers.admitMs, 1),
      suspendMs: rounded(peers.suspendMs, 1),
      memoryMegabytes: peers.memoryMegabytes,
    },
  },
}

export type Report = typeof report

process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(report)}\n` : `${tableOf(report)}\n`)
process.exit(0)

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
