import type { PeerCosts } from './peers.js'
import { tableOf } from './table.js'

// What a provider bears: `npm run bench -w provider [-- PART…]`, in a world of its own. With --json one object.

const manyPeers = [1_000, 10_000]
const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

// A part is loaded once it is measured: what the others take up is none of its memory.
const parts = {
  signatures: async () => {
    const { measureRecoveries } = await import('./recover.js')
    const { nativeRecoverPerSecond, ethersRecoverPerSecond, walletCoreRecoverPerSecond } =
      await measureRecoveries()
    return {
      nativeRecoverPerSecond: Math.round(nativeRecoverPerSecond),
      ethersRecoverPerSecond: Math.round(ethersRecoverPerSecond),
      walletCoreRecoverPerSecond: Math.round(walletCoreRecoverPerSecond),
    }
  },
  promises: async () => {
    const { measureAcceptance } = await import('./acceptance.js')
    const { acceptedPerSecondPerCore, acceptedPerSecond } = await measureAcceptance()
    return {
      acceptedPerSecondPerCore: Math.round(acceptedPerSecondPerCore),
      acceptedPerSecond: Math.round(acceptedPerSecond),
    }
  },
  peers: async () => {
    const { measurePeers } = await import('./peers.js')
    const peers: Record<number, PeerCosts> = {}
    for (const count of manyPeers) {
      const { tickMs, admitMs, suspendMs, memoryMegabytes } = await measurePeers(count)
      peers[count] = {
        tickMs: rounded(tickMs, 1),
        admitMs: rounded(admitMs, 1),
        suspendMs: rounded(suspendMs, 1),
        memoryMegabytes,
      }
    }
    return { peers }
  },
  tunnel: async () => {
    const { measureTunnel } = await import('./tunnel.js')
    const tunnel = await measureTunnel()
    return {
      meteredToAcceptedMs: tunnel.meteredToAcceptedMs,
      throughputRatio: rounded(tunnel.throughputRatio, 3),
      paidBitsPerSecond: Math.round(tunnel.paidBitsPerSecond),
      plainBitsPerSecond: Math.round(tunnel.plainBitsPerSecond),
      bareBitsPerSecond: Math.round(tunnel.bareBitsPerSecond),
      unpaidBytesAtStop: tunnel.unpaidBytesAtStop,
      creditBytes: tunnel.creditBytes,
    }
  },
  carriers: async () => {
    const { measureCarriers } = await import('./carriers.js')
    return { carriers: await measureCarriers() }
  },
}

type Part = keyof typeof parts
type Figures<Name extends Part> = Awaited<ReturnType<(typeof parts)[Name]>>

/** What was measured: all of it, or what belongs to the parts that were asked for. */
export type Report = Partial<
  Figures<'signatures'> & Figures<'promises'> & Figures<'peers'> & Figures<'tunnel'> & Figures<'carriers'>
>

const words = process.argv.slice(2).filter((word) => word !== '--json')
const names = Object.keys(parts) as Part[]
const unknown = words.filter((word) => !names.some((name) => name === word))
if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(', ')}. These are: ${names.join(' ')}\n`)
  process.exit(2)
}

const report: Report = {}
for (const name of names) {
  if (words.length > 0 && !words.includes(name)) continue
  process.stderr.write(`${Math.round(performance.now() / 1_000)} s: ${name} …\n`)
  Object.assign(report, await parts[name]())
}
process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(report)}\n` : `${tableOf(report)}\n`)
process.exit(0)
