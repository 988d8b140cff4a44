import { type Address, wei } from '@pontage/shared'
import { createIdentity, type Identity, keccak256, PrivateKey } from '@pontage/shared/node'

const known = new Map<string, Identity>()

/** Somebody, by name: the same in every run. */
export function person(name: string): Identity {
  const identity =
    known.get(name) ??
    createIdentity(new PrivateKey(keccak256(Buffer.from(`simulated ${name}`)).toString('hex')))
  known.set(name, identity)
  return identity
}

/** The name of an address that somebody here has. */
export function nameOf(address: Address): string {
  for (const [name, identity] of known) if (identity.address === address) return name
  return address
}

/** A text with the names of those whose addresses are in it. */
export const named = (text: string): string =>
  text.replace(/0x[0-9a-f]{40}(?![0-9a-f])/g, (found) => nameOf(found as Address))

export const whole = 10n ** 18n
export const tokens = (amount: number) => wei((BigInt(Math.round(amount * 1_000)) * whole) / 1_000n)
