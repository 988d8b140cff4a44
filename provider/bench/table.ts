import type { Report } from './main.js'

const count = (value: number): string => Math.round(value).toLocaleString('en')
const megabits = (value: number): string => `${count(value / 1e6)} Mbit/s`
const megabytes = (value: number): string => `${(value / 1e6).toFixed(2)} MB`

/** The figures for a person, one a line; what was not measured has none. */
export function tableOf(report: Report): string {
  const rows: [string, string][] = []
  const row = <Value>(name: string, value: Value | undefined, words: (value: Value) => string) => {
    if (value !== undefined) rows.push([name, words(value)])
  }
  row('promises accepted, per second and core', report.acceptedPerSecondPerCore, count)
  row('  on the wall, the payers on the same machine', report.acceptedPerSecond, count)
  row('signers recovered per second: native', report.nativeRecoverPerSecond, count)
  row('  ethers', report.ethersRecoverPerSecond, count)
  row('  wallet-core', report.walletCoreRecoverPerSecond, count)
  row(
    'megabyte metered to promise accepted',
    report.meteredToAcceptedMs,
    ({ p50, p99, samples }) => `p50 ${p50} ms, p99 ${p99} ms (${samples})`,
  )
  row('throughput with payments', report.paidBitsPerSecond, megabits)
  row('  of the same tunnel without', report.plainBitsPerSecond, megabits)
  row('  of a tunnel without firewalls', report.bareBitsPerSecond, megabits)
  row('  ratio, median of pairs', report.throughputRatio, String)
  row('bytes given away when payments stop', report.unpaidBytesAtStop, megabytes)
  row('  credit', report.creditBytes, megabytes)
  row('carried by UDP, down', report.carriers?.udpMbit, (mbit) => `${mbit} Mbit/s`)
  row(
    '  by wss, down and up',
    report.carriers,
    ({ wssDownMbit, wssUpMbit }) => `${wssDownMbit} and ${wssUpMbit} Mbit/s`,
  )
  row('  a ping meanwhile, by wss', report.carriers?.loadedLatencyMs, (ms) => `${ms} ms`)
  row('  at 50 ms and 0.5 % of loss, of a plain download', report.carriers?.wssLossyRatio, String)
  row(
    '  at once by wss, each: least, median, most',
    report.carriers?.wssShared,
    ({ sessions, leastMbit, medianMbit, mostMbit, providerMegabytes }) =>
      `${leastMbit}, ${medianMbit}, ${mostMbit} Mbit/s (${sessions} sessions; provider ${providerMegabytes} MB)`,
  )
  for (const [peers, costs] of Object.entries(report.peers ?? {}))
    rows.push(
      [`${peers} peers: a tick`, `${costs.tickMs} ms`],
      ['  to admit one more', `${costs.admitMs} ms`],
      ['  to suspend one', `${costs.suspendMs} ms`],
      ['  memory', `${costs.memoryMegabytes} MB`],
    )
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
