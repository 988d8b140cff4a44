import { replaceTable, runCommand } from '@pontage/shared/node'
import type { Internet } from './internet.js'

/** What reached the other side, measured at the server and nowhere else. IP bytes, headers included. */
export interface Delivered {
  /** Server to client: what the client's TCP acknowledged, and a header for every packet sent (also of lost ones). */
  readonly downBytes: number
  /** Client to server: every packet that arrived. */
  readonly upBytes: number
}

/** A running measurement. */
export interface DeliveryMeter {
  /** What was delivered to and from this client address since the start. */
  read(client: string): Promise<Delivered>
  stop(): void
}

/** IPv4 header, TCP header and timestamps: what each packet carries besides its data. */
const headerBytes = 52
const table = 'delivered'

/** Bytes acknowledged on each connection, by `client:port`. */
type Acknowledged = Map<string, number>

/**
 * Measures at a server what its clients received. Sent is not delivered: what a firewall on the way dropped was sent,
 * too. So the kernel's own account of each connection (`ss`) is read, again and again, as it ends with the connection;
 * a connection that ended well delivered everything. Packets are counted as everywhere here: by nftables.
 */
export async function measureDelivery(internet: Internet, everyMs = 100): Promise<DeliveryMeter> {
  const { host } = internet
  await host.firewall(
    replaceTable(
      'inet',
      table,
      `
    set came { typeof ip saddr; counter; flags dynamic; }
    set went { typeof ip daddr; counter; flags dynamic; }
    chain arriving {
      type filter hook input priority -300; policy accept;
      meta l4proto tcp update @came { ip saddr }
    }
    chain leaving {
      type filter hook output priority 300; policy accept;
      meta l4proto tcp update @went { ip daddr }
    }`,
    ),
  )
  const endedBefore = internet.closed().length
  const acknowledged: Acknowledged = new Map()
  let last: Promise<void> = Promise.resolve()
  const sample = () => {
    last = last.then(async () => {
      const { stdout } = await runCommand(['ss', '-tinHO', 'state', 'connected'], { netns: host.netns })
      for (const line of stdout.split('\n')) keepAcknowledged(acknowledged, line)
    })
    return last
  }
  const timer = setInterval(() => void sample().catch(() => {}), everyMs)
  return {
    async read(client) {
      await sample()
      for (const { from, port, written, whole } of internet.closed().slice(endedBefore))
        if (whole) acknowledged.set(`${from}:${port}`, written)
      let downBytes = headerBytes * (await countedFor(host.netns, 'went', client)).packets
      for (const [end, bytes] of acknowledged) if (end.startsWith(`${client}:`)) downBytes += bytes
      return { downBytes, upBytes: (await countedFor(host.netns, 'came', client)).bytes }
    },
    stop: () => clearInterval(timer),
  }
}

/** A line of `ss -tinHO`: state, queues, our end, its end, and what the kernel knows of the connection. */
function keepAcknowledged(acknowledged: Acknowledged, line: string): void {
  const peer = /\s(?:\[::ffff:)?(\d+\.\d+\.\d+\.\d+)\]?:(\d+)\s+(?!.*\d+\.\d+\.\d+\.\d+\]?:\d+\s)/.exec(line)
  if (peer === null) return
  // A connection that is over is listed without its figures: what was known stays.
  const bytes = /\bbytes_acked:(\d+)/.exec(line)?.[1]
  if (bytes !== undefined) acknowledged.set(`${peer[1]}:${peer[2]}`, Number(bytes))
}

interface SetElement {
  readonly elem?: {
    readonly val: string
    readonly counter?: { readonly packets: number; readonly bytes: number }
  }
}

async function countedFor(
  netns: string,
  set: string,
  client: string,
): Promise<{ packets: number; bytes: number }> {
  const { stdout } = await runCommand(['nft', '-j', 'list', 'set', 'inet', table, set], { netns })
  const { nftables } = JSON.parse(stdout) as { nftables: { set?: { elem?: SetElement[] } }[] }
  const elements = nftables.flatMap((object) => object.set?.elem ?? [])
  return elements.find(({ elem }) => elem?.val === client)?.elem?.counter ?? { packets: 0, bytes: 0 }
}
