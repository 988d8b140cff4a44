import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { honestRules, openSqliteLedger, startHub } from '@pontage/hub'
import { wei } from '@pontage/shared'
import { connectChain, createLog, openKeystore, ownCertificate, readPassword } from '@pontage/shared/node'

// A hub that promises whatever it is asked for, whether its pool could pay or not, and draws nothing: the program's
// own hub with the decisions about its solvency taken out. Its stake is what stands behind its word.

const { values } = parseArgs({
  options: {
    home: { type: 'string' },
    rpc: { type: 'string' },
    deployment: { type: 'string' },
    'password-file': { type: 'string' },
    port: { type: 'string' },
  },
})
const given = (name: keyof typeof values): string => {
  const value = values[name]
  if (value === undefined) throw new Error(`--${name} is missing.`)
  return value
}

const home = given('home')
const chain = await connectChain({ rpc: given('rpc'), deploymentFile: given('deployment'), confirmations: 1 })
const hub = await startHub({
  chain,
  identity: await openKeystore(join(home, 'keystore.json'), await readPassword(given('password-file'), '')),
  ledger: await openSqliteLedger(join(home, 'dishonest.sqlite')),
  host: '0.0.0.0',
  port: Number(given('port')),
  tls: await ownCertificate(home),
  settings: {
    relayFee: wei(0n),
    relaysPerDay: 100,
    relaysPerDayInAll: 100,
    gasWarnBelow: 0n,
    drainSeconds: 0,
    publicMetrics: false,
    guaranteeSeconds: 3_600,
    drawAbove: wei(0n),
    pollMs: 500,
  },
  rules: { ...honestRules, solvent: () => ({ ok: true }), draws: () => [] },
  log: createLog('dishonest-hub', 'info'),
})
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void hub.close().then(() => chain.close()))
