import type { Report } from './main.js'

const count = (value: number): string => Math.round(value).toLocaleString('en')
const megabits = (value: number): string => `${count(value / 1e6)} Mbit/s`
const megabytes = (value: number): string => `${(value / 1e6).toFixed(2)} MB`

/** The figures for a person, one a line. */
export function tableOf(report: Report): string {
  const { meteredToAcceptedMs: delay } = report
  const rows: [string, string][] = [
    ['promises accepted, per second and core', count(report.acceptedPerSecondPerCore)],
    ['  on the wall, the payers on the same machine', count(report.acceptedPerSecond)],
    ['signers recovered per second: native', count(report.nativeRecoverPerSecond)],
    ['  ethers', count(report.ethersRecoverPerSecond)],
    ['  wallet-core', count(report.walletCoreRecoverPerSecond)],
    ['megabyte metered to promise accepted', `p50 ${delay.p50} ms, p99 ${delay.p99} ms (${delay.samples})`],
    ['throughput with payments', megabits(report.paidBitsPerSecond)],
    ['  of the same tunnel without', megabits(report.plainBitsPerSecond)],
    ['  of a tunnel without firewalls', megabits(report.bareBitsPerSecond)],
    ['  ratio, median of pairs', String(report.throughputRatio)],
    ['bytes given away when payments stop', megabytes(report.unpaidBytesAtStop)],
    ['  credit', megabytes(report.creditBytes)],
    ['carried by UDP, down', `${report.carriers.udpMbit} Mbit/s`],
    ['  by wss, down and up', `${report.carriers.wssDownMbit} and ${report.carriers.wssUpMbit} Mbit/s`],
    ['  a ping meanwhile, by wss', `${report.carriers.loadedLatencyMs} ms`],
  ]
  for (const [peers, costs] of Object.entries(report.peers))
    rows.push(
      [`${peers} peers: a tick`, `${costs.tickMs} ms`],
      ['  to admit one more', `${costs.admitMs} ms`],
      ['  to suspend one', `${costs.suspendMs} ms`],
      ['  memory', `${costs.memoryMegabytes} MB`],
    )
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
