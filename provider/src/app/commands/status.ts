import {
  amountText,
  coinDecimals,
  countOf,
  formatBytes,
  formatTokens,
  type TokenNames,
} from '@pontage/shared'
import { type CommonOptions, keystoreAddress, printJson, printLines, readToken } from '@pontage/shared/node'
import type { ArgumentsCamelCase, CommandModule } from 'yargs'
import { exposureOf } from '../../core/exposure.js'
import { askRunning } from '../../io/link/askRunning.js'
import { isRunning } from '../../io/store/homeLock.js'
import { HubTrustStore } from '../../io/store/hubTrustStore.js'
import { PromiseStore } from '../../io/store/promiseStore.js'
import { SessionStore } from '../../io/store/sessionStore.js'
import { SettlementStore } from '../../io/store/settlementStore.js'
import { openDatabase } from '../../io/store/storeSchema.js'
import { isRetiring } from '../retirement/retiring.js'

/** Says how things stand, from the store alone: it works in every state. */
export const statusCommand: CommandModule<CommonOptions, CommonOptions> = {
  command: 'status',
  describe: 'Show sessions, what is promised, cleared and redeemed',
  handler: status,
}

const sessionsShown = 20

interface LiveStatus {
  readonly sessions: readonly unknown[]
  readonly limits: { readonly total: string; readonly session: string }
  /** The chain's coin, in its smallest unit, as a decimal string. */
  readonly gasCoins: string | null
  /** What keeps traffic from passing, as the kernel has it now. */
  readonly faults: readonly string[]
}

async function status({ home, json }: ArgumentsCamelCase<CommonOptions>): Promise<void> {
  // Only who has a home has something to show: looking makes nothing.
  await keystoreAddress(home)
  const db = openDatabase(home)
  try {
    const promises = new PromiseStore(db)
    const trust = new HubTrustStore(db)
    const sessions = new SessionStore(db)
    const settlements = new SettlementStore(db).all()
    const running = isRunning(home)
    const report = {
      home,
      running,
      // Nobody new is served, whether it runs or not.
      retiring: await isRetiring(home),
      token: readToken(home) ?? null,
      // What only the running program knows; null when none answers.
      live: running ? await askRunning<LiveStatus>(home, { type: 'status' }).catch(() => null) : null,
      sessions: sessions.latest(sessionsShown),
      hubs: promises.hubs().map((hub) => {
        const channels = promises.channelsOf(hub)
        const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n)
        const settled = (kind: 'draw' | 'redeem') =>
          sum(
            settlements.filter((each) => each.kind === kind && each.hub === hub).map(({ amount }) => amount),
          )
        return {
          hub,
          channels: channels.length,
          promised: sum(channels.map(({ promise }) => promise?.amount ?? 0n)),
          cleared: sum(channels.map(({ promise }) => promise?.cleared ?? 0n)),
          undrawn: exposureOf(channels.flatMap(({ promise }) => (promise ? [promise] : []))),
          hubTotal: promises.hubPromise(hub).total,
          distrusted: trust.reasonAgainst(hub) ?? null,
          redeemed: settled('redeem'),
          drawn: settled('draw'),
        }
      }),
      settlements: settlements.slice(-sessionsShown),
    }
    if (json) printJson(report)
    else printLines(...human(report))
  } finally {
    db.close()
  }
}

function human(report: {
  running: boolean
  home: string
  token: TokenNames | null
  live: LiveStatus | null
  sessions: ReturnType<SessionStore['latest']>
  hubs: readonly {
    hub: string
    promised: bigint
    cleared: bigint
    undrawn: bigint
    hubTotal: bigint
    redeemed: bigint
    distrusted: string | null
  }[]
}): string[] {
  const { token } = report
  const tokens = (amount: bigint) =>
    token === null ? `${amount} of the token’s smallest unit` : amountText(amount, token)
  const lines = [`${report.running ? 'Running' : 'Not running'} on ${report.home}`]
  if (report.live) {
    const { sessions, limits, gasCoins, faults } = report.live
    for (const fault of faults) lines.push(`NO TRAFFIC PASSES: ${fault}`)
    lines.push(
      `${countOf(sessions.length, 'session')}; speed limits: all ${limits.total}, each ${limits.session}`,
    )
    if (gasCoins !== null)
      lines.push(`Gas: ${formatTokens(BigInt(gasCoins), coinDecimals)} of the chain’s coin`)
  }
  for (const { hub, promised, cleared, undrawn, hubTotal, redeemed, distrusted } of report.hubs) {
    lines.push(
      `Hub ${hub}: promised ${tokens(promised)}, cleared ${tokens(cleared)}, promised by the hub ${tokens(hubTotal)}, redeemed ${tokens(redeemed)}, not drawn yet ${tokens(undrawn)}`,
    )
    if (distrusted !== null)
      lines.push(`  NOT TRUSTED: ${distrusted}. Run pontage-provider trust ${hub} to trust it again.`)
  }
  for (const each of report.sessions)
    lines.push(
      `Session ${each.id}: ${each.consumer}, down ${formatBytes(each.downBytes)}, up ${formatBytes(each.upBytes)}, promised ${tokens(each.promised - each.base)}, ${each.ending ?? 'running'}`,
    )
  return lines
}
