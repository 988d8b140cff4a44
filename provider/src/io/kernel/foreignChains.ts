import { readFile } from 'node:fs/promises'
import { runCommand } from '@pontage/shared/node'
import { legacyChains } from '../../core/legacyRules.js'
import type { JudgingChain } from '../../core/way.js'

/** What others have in the firewall. */
export interface Strangers {
  /** All tables of the family that ours has, ours included. */
  readonly tables: readonly string[]
  readonly chains: readonly JudgingChain[]
}

interface Listed {
  readonly chain?: {
    readonly family: string
    readonly table: string
    readonly name: string
    readonly hook?: string
    readonly policy?: string
  }
}

/** Tables of programs like this one begin with this word. */
export const tablePrefix = 'pontage_'

/** Lists tables with chains, and chains of others that judge what is forwarded. */
export async function readStrangers(): Promise<Strangers> {
  const { stdout } = await runCommand(['nft', '-j', 'list', 'chains'])
  const all = (JSON.parse(stdout) as { nftables: Listed[] }).nftables.flatMap(({ chain }) => chain ?? [])
  return {
    tables: [...new Set(all.flatMap(({ family, table }) => (family === 'inet' ? [table] : [])))],
    chains: [
      ...all.flatMap(({ family, table, name, hook, policy }) =>
        hook === 'forward' && !table.startsWith(tablePrefix)
          ? [{ name: `${family} ${table} ${name}`, family, drops: policy === 'drop' }]
          : [],
      ),
      ...(await readLegacy()),
    ],
  }
}

/** Those that nft does not show; they are there where the kernel has a table of that kind. */
async function readLegacy(): Promise<JudgingChain[]> {
  const found: JudgingChain[] = []
  for (const [program, tables] of [
    ['iptables-legacy', '/proc/net/ip_tables_names'],
    ['ip6tables-legacy', '/proc/net/ip6_tables_names'],
  ] as const) {
    const names = await readFile(tables, 'utf8').catch(() => '')
    if (!names.split('\n').includes('filter')) continue
    const saved = await runCommand([`${program}-save`, '-t', 'filter']).catch(() => ({ stdout: '' }))
    found.push(...legacyChains(program, saved.stdout))
  }
  return found
}
