import type { Deployment } from '../../documents.js'
import { type Address, address } from '../../units.js'
import { UserError } from '../program/userError.js'

const nobody = address(`0x${'0'.repeat(40)}`)

/**
 * An address that may be paid.
 *
 * @throws UserError for one from which no token ever comes back: the zero address, and the deployment's own contracts.
 */
export function payee(text: string, deployment: Deployment): Address {
  const to = address(text)
  const { token, registry, channels, marketplace } = deployment
  const [name] =
    Object.entries({ token, registry, channels, marketplace }).find(([, contract]) => contract === to) ?? []
  if (name === undefined && to !== nobody) return to
  throw new UserError(
    `${to} is ${name === undefined ? 'the zero address' : `the ${name} contract`}: tokens sent there are lost. Give an address whose key you have.`,
  )
}
