import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { connect } from 'node:tls'
import type { Hex } from '@pontage/shared'
import { ecdhCurve, fingerprintOf } from '@pontage/shared/node'

/** What was found at an endpoint. */
export type CertificateSeen =
  | { readonly ok: true; readonly fingerprint: Hex; readonly address: string }
  | { readonly ok: false; readonly reason: string }

const withinMs = 5_000

/** Networks that are nobody's from outside: a name that leads there would send us to our own neighbours. */
const inward = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  inward.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  inward.addSubnet(network, bits, 'ipv6')

/** Looks at the certificate of somebody else, who is outside: at nothing among our own neighbours. Never throws. */
export const readCertificate = (endpoint: string): Promise<CertificateSeen> =>
  certificateAt(endpoint, (address) => inward.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'))

/**
 * Connects by TLS to HOST:PORT, looks at the certificate, and hangs up. Never throws.
 *
 * @param isClosed - Whether an address must not be connected to.
 */
export async function certificateAt(
  endpoint: string,
  isClosed: (address: string) => boolean = () => false,
): Promise<CertificateSeen> {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(endpoint) ?? []
  const name = host.replace(/^\[|\]$/g, '')
  const address =
    isIP(name) > 0
      ? name
      : await lookup(name).then(
          (found) => found.address,
          () => undefined,
        )
  if (address === undefined) return { ok: false, reason: `the name ${name} is not known` }
  if (isClosed(address)) return { ok: false, reason: `${address} cannot be reached from outside` }
  return new Promise((resolve) => {
    // Whose certificate it is, its fingerprint says; an issuer says nothing.
    const socket = connect({ host: address, port: Number(port), rejectUnauthorized: false, ecdhCurve })
    const done = (seen: CertificateSeen) => {
      socket.destroy()
      resolve(seen)
    }
    socket.setTimeout(withinMs, () => done({ ok: false, reason: `no answer within ${withinMs / 1_000} s` }))
    socket.on('error', (error) => done({ ok: false, reason: error.message }))
    socket.on('secureConnect', () =>
      done({ ok: true, fingerprint: fingerprintOf(socket.getPeerCertificate().raw), address }),
    )
  })
}
