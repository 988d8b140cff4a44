import { runCommand } from '@pontage/shared/node'
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
    chains: all.flatMap(({ family, table, name, hook, policy }) =>
      hook === 'forward' && !table.startsWith(tablePrefix)
        ? [{ name: `${family} ${table} ${name}`, family, drops: policy === 'drop' }]
        : [],
    ),
  }
}
