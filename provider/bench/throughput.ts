import type { Host, Program } from '@pontage/test/world'

interface IperfReport {
  readonly error?: string
  readonly end?: { readonly sum_received?: { readonly bits_per_second: number } }
}

const firstPort = 5_200
const attempts = 3
/** A download that takes so much longer than it was asked to stands still. */
const patienceSeconds = 20
/** The first second, in which TCP finds out how fast the line is, does not count. */
const omitSeconds = 1

/** Downloads by iperf3 from one machine to others, and uploads to it. */
export class Downloads {
  #port = firstPort

  constructor(private readonly from: Host) {}

  /** Bits a second that arrive. @throws Error with iperf3's own words when it measures nothing, again and again. */
  async measure(to: Host, seconds: number, direction: 'down' | 'up' = 'down'): Promise<number> {
    let problem = ''
    for (let attempt = 0; attempt < attempts; attempt++) {
      const { client, server } = await this.begin(to, seconds, direction)
      const tooLong = setTimeout(() => client.signal('SIGKILL'), (seconds + patienceSeconds) * 1_000)
      await client.ended
      clearTimeout(tooLong)
      await server.stop('SIGKILL')
      const printed = client.lines('stdout').join('\n')
      const { error, end } = parsed(printed)
      if (end?.sum_received) return end.sum_received.bits_per_second
      problem = error ?? `${printed}\n${client.lines('stderr').join('\n')}`
      console.error(`iperf3 measured nothing: ${problem}`)
    }
    throw new Error(`iperf3 measured nothing: ${problem}`)
  }

  /** One download, with a server of its own: one that still closes the run before refuses the next as busy. */
  async begin(
    to: Host,
    seconds: number,
    direction: 'down' | 'up' = 'down',
  ): Promise<{ client: Program; server: Program }> {
    this.#port += 1
    const port = String(this.#port)
    const server = this.from.start(['iperf3', '--server', '--one-off', '--forceflush', '--port', port])
    await server.line(/listening/i)
    const client = to.start([
      ...['iperf3', '--client', this.from.address, '--port', port, '--json'],
      ...(direction === 'down' ? ['--reverse'] : []),
      ...['--time', String(seconds), '--omit', String(omitSeconds)],
    ])
    return { client, server }
  }
}

function parsed(printed: string): IperfReport {
  try {
    return JSON.parse(printed) as IperfReport
  } catch {
    return {}
  }
}
