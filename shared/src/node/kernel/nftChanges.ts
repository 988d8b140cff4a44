import type { NftPlace } from './nftables.js'
import { nftAddress, nftBytes, nftName } from './nftablesValues.js'

/** A change to what a table holds besides its rules. */
export type NftChange =
  | { readonly verb: 'add' | 'delete'; readonly kind: 'counter'; readonly name: string }
  /** Adding one that is there sets its limit; what was used stays used. */
  | { readonly verb: 'add'; readonly kind: 'quota'; readonly name: string; readonly over: bigint }
  | { readonly verb: 'delete'; readonly kind: 'quota'; readonly name: string }
  | {
      readonly verb: 'add' | 'delete'
      readonly kind: 'element'
      readonly set: string
      readonly address: string
      /** Left out for a set: the counter or quota that a map has for the address. */
      readonly object?: string
    }

/** A change as a command of one line for `nft`. @throws TypeError for what could be a command of its own. */
export function nftCommand({ family, table }: NftPlace, change: NftChange): string {
  const where = `${family} ${nftName(table)}`
  if (change.kind !== 'element') {
    const limit = change.kind === 'quota' && change.verb === 'add' ? ` { over ${nftBytes(change.over)} }` : ''
    return `${change.verb} ${change.kind} ${where} ${nftName(change.name)}${limit}`
  }
  const { verb, set, address, object } = change
  const value = object === undefined || verb === 'delete' ? '' : ` : "${nftName(object)}"`
  return `${verb} element ${where} ${nftName(set)} { ${nftAddress(address)}${value} }`
}
