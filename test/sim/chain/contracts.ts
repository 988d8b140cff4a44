import {
  IIdentityRegistry__factory,
  IMarketplace__factory,
  IPaymentChannels__factory,
  TestToken__factory,
} from '@pontage/channel-contracts'
import type { Hex } from '@pontage/shared'
import { createTypedData } from '@pontage/shared/node'
import type { Interface } from 'ethers'
import { deployment } from './deployment.js'

export const channels = IPaymentChannels__factory.createInterface() as unknown as Interface
export const registry = IIdentityRegistry__factory.createInterface() as unknown as Interface
export const marketplace = IMarketplace__factory.createInterface() as unknown as Interface
export const token = TestToken__factory.createInterface() as unknown as Interface
export const documents = createTypedData(deployment)

/** An event as a node gives it, without its place. */
export interface Emitted {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
}

export function emitted(
  contract: 'channels' | 'registry' | 'marketplace',
  name: string,
  values: readonly unknown[],
): Emitted {
  const face = { channels, registry, marketplace }[contract]
  const event = face.getEvent(name)
  if (!event) throw new Error(`There is no event ${name}.`)
  const { topics, data } = face.encodeEventLog(event, values)
  return { address: deployment[contract], topics: topics.map(String), data }
}

/** What a contract answers when it refuses with this error: names count, so figures are left at zero. */
export function refusalData(contract: 'channels' | 'registry' | 'marketplace' | 'token', name: string): Hex {
  const face = { channels, registry, marketplace, token }[contract]
  const fragment =
    face.getError(name) ?? channels.getError(name) ?? registry.getError(name) ?? token.getError(name)
  if (!fragment) return '0x'
  const owner = [face, channels, registry, token].find((each) => each.getError(name))
  const blank = fragment.inputs.map(({ type }) =>
    type === 'address'
      ? `0x${'00'.repeat(20)}`
      : type === 'string'
        ? ''
        : type === 'bytes32'
          ? `0x${'00'.repeat(32)}`
          : 0,
  )
  return (owner ?? face).encodeErrorResult(fragment, blank) as Hex
}
