import { stat } from 'node:fs/promises'
import type { Clock } from '../../clock.js'
import { coinDecimals, formatTokens } from '../../quantity.js'
import type { Address } from '../../units.js'
import type { Chain } from '../chain/chain.js'
import { keystorePath } from '../home/homeFolder.js'
import { UserError } from '../program/userError.js'
import { printJson, printLines } from './print.js'

/** Says what is well; else throws a {@link UserError} that says what to do about it. */
export type Check = () => Promise<string>

/** What came of one check. */
export interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly says: string
}

/** Does one check after the other: what one opens, the next may need. */
export async function examine(checks: Readonly<Record<string, Check>>): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [check, look] of Object.entries(checks))
    findings.push(
      await look().then(
        (says) => ({ check, ok: true, says }),
        (error: Error) => ({ check, ok: false, says: error.message }),
      ),
    )
  return findings
}

/** Prints them; the program then ends with 1 unless all is well. */
export function printFindings(findings: readonly Finding[], { json }: { readonly json: boolean }): void {
  const ok = findings.every((finding) => finding.ok)
  const width = Math.max(...findings.map(({ check }) => check.length)) + 1
  if (json) printJson({ ok, checks: findings })
  else
    printLines(
      ...findings.map((each) => `${each.check.padEnd(width)}${each.ok ? `ok: ${each.says}` : each.says}`),
    )
  if (!ok) process.exitCode = 1
}

/** A newest block older than this is a node that lags, or a clock that is wrong. */
const oldBlockSeconds = 900
const clockSeconds = 60

/** Whether this machine's clock and the chain's agree as far as promises need them to. */
export async function checkClock(chain: Chain, clock: Clock): Promise<string> {
  const ahead = (await chain.head()).at - clock.now()
  if (ahead > clockSeconds || -ahead > oldBlockSeconds)
    throw new UserError(
      `The newest block is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine’s clock. Set the clock with NTP; if it is right, the node behind --rpc is behind.`,
    )
  return `the newest block is ${Math.max(0, -ahead)} s old`
}

/** Whether only its owner may read the key. @returns its path */
export async function checkKeystore(home: string, program: string): Promise<string> {
  const path = keystorePath(home)
  const { mode } = await stat(path).catch(() => {
    throw new UserError(`There is no keystore at ${path}. Run ${program} init.`)
  })
  if ((mode & 0o077) !== 0)
    throw new UserError(`Other users can read the keystore ${path}. Run: chmod 600 ${path}`)
  return path
}

/** Whether there is coin enough for gas. */
export async function checkGas(chain: Chain, who: Address, warnBelow: bigint): Promise<string> {
  const coins = await chain.rpc.getBalance(who)
  const shown = formatTokens(coins, coinDecimals)
  if (coins < warnBelow)
    throw new UserError(
      `${shown} of the chain’s coin is left for gas, less than ${formatTokens(warnBelow, coinDecimals)}. Send some to ${who}, or transactions cannot be sent.`,
    )
  return `${shown} of the chain’s coin`
}
