import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { UserError } from '../program/userError.js'

/** A SOCKS5 proxy that takes what leaves this machine over TCP. */
export interface OuterProxy {
  /** An IP address: asking for a name would itself go beside the proxy. */
  readonly address: string
  readonly port: number
  readonly login: { readonly user: string; readonly password: string } | undefined
  /** As it may be shown. */
  readonly name: string
}

/** RFC 1929 gives the length of each a byte. */
const maxLoginBytes = 255

/** Reads `socks5://[USER:PASSWORD@]ADDRESS:PORT`. @throws UserError for anything else */
export function readProxy(text: string): OuterProxy {
  if (!URL.canParse(text)) throw notProxy
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(text)
  if (!['socks5:', 'socks5h:'].includes(protocol) || port === '' || /[^/]/.test(pathname + search + hash))
    throw notProxy
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const address = host === 'localhost' ? '127.0.0.1' : host
  if (isIP(address) === 0)
    throw new UserError(
      '--proxy names its host by a name, and the question for that would go beside the proxy. Give its IP address.',
    )
  const login =
    username === '' && password === ''
      ? undefined
      : { user: decodedPart(username), password: decodedPart(password) }
  if (login && [login.user, login.password].some((part) => !fitsLogin(part)))
    throw new UserError(
      `User and password of --proxy have to be 1 to ${maxLoginBytes} bytes long, both or neither.`,
    )
  return { address, port: Number(port), login, name: `${hostname}:${port}` }
}

const notProxy = new UserError(
  '--proxy is no SOCKS5 proxy: expected socks5://ADDRESS:PORT, or socks5://USER:PASSWORD@ADDRESS:PORT.',
)

const fitsLogin = (part: string): boolean => part !== '' && Buffer.byteLength(part) <= maxLoginBytes

function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** One for the whole process, so that no connection of it can be forgotten. As its user wrote it: it is read when it is needed. */
let used: string | undefined

/** Has every outer connection of this process go through a proxy, or through none. */
export function useProxy(text: string | undefined): void {
  used = text
}

/** The proxy that outer connections go through, where there is one. @throws UserError when it was not given as one */
export const proxyInUse = (): OuterProxy | undefined => (used === undefined ? undefined : readProxy(used))

/** The proxy for a host: what is on this machine is reached without any. @throws UserError as `proxyInUse` */
export const proxyFor = (host: string): OuterProxy | undefined =>
  isLoopback(host) ? undefined : proxyInUse()

/** Whether a host is this machine, by the name or address that says so. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|(::ffff:)?127\.\d+\.\d+\.\d+|::1)$/i.test(host)

/** Whether an address is one of this machine's. */
export const isOwnAddress = (address: string): boolean =>
  isLoopback(address) ||
  Object.values(networkInterfaces()).some((all) => all?.some((each) => each.address === address))
