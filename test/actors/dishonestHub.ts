import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { honestRules, openSqliteLedger, type Rules, startHub } from '@pontage/hub'
import { wei } from '@pontage/shared'
import { connectChain, createLog, openKeystore, ownCertificate, readPassword } from '@pontage/shared/node'

// The program's own hub with some of its decisions taken out. One that promises whatever it is asked for, whether its
// pool could pay or not, and draws nothing: its stake is what stands behind its word. Or, with --hides, one that is
// solvent and publishes less than it owes: nothing at all, or half; or promises half of the totals it takes.

const { values } = parseArgs({
  options: {
    home: { type: 'string' },
    rpc: { type: 'string' },
    deployment: { type: 'string' },
    'password-file': { type: 'string' },
    port: { type: 'string' },
    hides: { type: 'string' },
  },
})
const given = (name: keyof typeof values): string => {
  const value = values[name]
  if (value === undefined) throw new Error(`--${name} is missing.`)
  return value
}

/** Takes promises and promises half of them on. */
const underTotalling: Rules = {
  ...honestRules,
  draws: () => [],
  credit: (...given) => {
    const verdict = honestRules.credit(...given)
    return verdict.ok ? { ...verdict, credit: wei(verdict.credit / 2n) } : verdict
  },
}
const broke: Rules = { ...honestRules, solvent: () => ({ ok: true }), draws: () => [] }
const hiding = (hides: string): Rules => ({
  ...honestRules,
  liabilities: (accounts) =>
    hides === 'everything'
      ? []
      : honestRules
          .liabilities(accounts)
          .map((leaf) => ({ ...leaf, outstanding: wei(leaf.outstanding / 2n), total: wei(leaf.total / 2n) })),
})

function rulesOf(hides: string | undefined): Rules {
  if (hides === undefined) return broke
  return hides === 'totals' ? underTotalling : hiding(hides)
}

const home = given('home')
const chain = await connectChain({ rpc: given('rpc'), deploymentFile: given('deployment'), confirmations: 1 })
const hub = await startHub({
  chain,
  identity: await openKeystore(join(home, 'keystore.json'), await readPassword(given('password-file'), '')),
  ledger: await openSqliteLedger(join(home, 'dishonest.sqlite')),
  host: '0.0.0.0',
  port: Number(given('port')),
  presented: { tls: await ownCertificate(home) },
  settings: {
    relayFee: wei(0n),
    relaysPerDay: 100,
    relaysPerDayInAll: 100,
    gasWarnBelow: 0n,
    drainSeconds: 0,
    publicMetrics: false,
    guaranteeSeconds: 3_600,
    drawAbove: wei(values.hides === undefined ? 0n : 10n ** 30n),
    liabilitiesEverySeconds: values.hides === undefined ? 0 : 5,
    pollMs: 500,
  },
  rules: rulesOf(values.hides),
  log: createLog('dishonest-hub', 'info'),
})
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void hub.close().then(() => chain.close()))
