import type { Bytes } from '@pontage/shared'
import {
  applyRuleset,
  type NftOptions,
  nftAddress,
  nftAddressWord,
  nftBytes,
  nftInterface,
  nftMark,
  nftPort,
  replaceTable,
} from '@pontage/shared/node'
import {
  killSwitchTable,
  type PaymentPort,
  shutRuleset,
  type TunnelValues,
  tunnelRuleset,
} from '../../core/killSwitch.js'
import type { Policy } from '../../core/policy.js'

/** The same as the rules take, not yet checked: some of it a provider sent. */
export interface TunnelFacts
  extends Pick<TunnelValues, 'address4' | 'address6' | 'gateway4' | 'gateway6' | 'dns' | 'allowLan'> {
  readonly interface: string
  readonly fwmark: number
  readonly endpoint:
    | { readonly address: string; readonly tcpPort: number; readonly udpPort: number }
    | undefined
  readonly limit: Bytes | undefined
}

/** The text that loads the rules of a tunnel in one step. @throws TypeError for a value that could write a rule of its own. */
export const tunnelTable = (facts: TunnelFacts): string =>
  replaceTable(
    'inet',
    killSwitchTable,
    tunnelRuleset({
      interface: nftInterface(facts.interface),
      fwmark: nftMark(facts.fwmark),
      endpoint: facts.endpoint && {
        ...checkedPort(facts.endpoint),
        udpPort: nftPort(facts.endpoint.udpPort),
      },
      address4: nftAddress(facts.address4),
      address6: nftAddress(facts.address6),
      gateway4: nftAddress(facts.gateway4),
      gateway6: nftAddress(facts.gateway6),
      dns: facts.dns.map(nftAddress),
      limit: facts.limit === undefined ? undefined : nftBytes(facts.limit),
      allowLan: facts.allowLan,
    }),
  )

/** Loads the rules of a tunnel. */
export const loadTunnelRules = (facts: TunnelFacts, where: NftOptions): Promise<void> =>
  applyRuleset(tunnelTable(facts), where)

/** Loads the rules without a tunnel, as the policy has them. */
export const loadShutRules = (
  policy: Policy,
  options: { asked: { address: string; tcpPort: number } | undefined; allowLan: boolean },
  where: NftOptions,
): Promise<void> => {
  const asked = options.asked && checkedPort(options.asked)
  return applyRuleset(
    replaceTable('inet', killSwitchTable, shutRuleset(policy, { asked, allowLan: options.allowLan })),
    where,
  )
}

const checkedPort = ({ address, tcpPort }: { address: string; tcpPort: number }): PaymentPort => ({
  family: nftAddressWord(address),
  address: nftAddress(address),
  tcpPort: nftPort(tcpPort),
})
