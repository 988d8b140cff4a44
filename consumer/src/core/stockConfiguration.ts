/** What a stock WireGuard app has to be told. */
export interface StockTunnel {
  readonly address4: string
  readonly address6: string
  readonly dns: readonly string[]
  /** Keys in base64. */
  readonly privateKey: string
  readonly publicKey: string
  readonly presharedKey: string
  /** The provider's host and UDP port. */
  readonly host: string
  readonly port: number
}

/** What every path carries: a stock app probes none. */
export const stockMtu = 1_280
/** Keeps the way through a router open. */
const keepaliveSeconds = 25

/** A configuration as `wg-quick` and the apps read it. It holds a private key. */
export const stockConfiguration = (tunnel: StockTunnel): string => `[Interface]
PrivateKey = ${tunnel.privateKey}
Address = ${tunnel.address4}/32, ${tunnel.address6}/128
${tunnel.dns.length === 0 ? '' : `DNS = ${tunnel.dns.join(', ')}\n`}MTU = ${stockMtu}

[Peer]
PublicKey = ${tunnel.publicKey}
PresharedKey = ${tunnel.presharedKey}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = ${tunnel.host.includes(':') ? `[${tunnel.host}]` : tunnel.host}:${tunnel.port}
PersistentKeepalive = ${keepaliveSeconds}
`
