import {
  eventually,
  type LogLine,
  logLines,
  type Market,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

/** A consumer outside, who downloads for as long as there is a way, at a speed that leaves the processor to the machine. */
export class Customer {
  connection: Program | undefined

  private constructor(
    readonly person: Person,
    private readonly provider: string,
  ) {}

  /** Somebody with a channel at a hub who wants to go through one provider, and has not connected yet. */
  static async seat(
    market: Market,
    name: string,
    { hub, provider }: { hub: Person; provider: Person },
  ): Promise<Customer> {
    const person = await seatConsumer(market, name, '20')
    await person.run('channel', 'open', '--hub', hub.address, '--amount', '10', '--max-relay-fee', '1')
    const fetch = `curl -s --limit-rate 300k --max-time 20 -o /dev/null ${market.internet.fileUrl(1_000_000_000)}`
    person.host.start(['sh', '-c', `while true; do ${fetch}; sleep 1; done`])
    return new Customer(person, provider.address)
  }

  /** Connects, unless a connection runs; again where a machine that is slow did not answer in time. */
  async connect(): Promise<void> {
    if (this.connection?.running) return
    await eventually('a connection', () => this.tryConnecting(), 240_000)
  }

  private async tryConnecting(): Promise<boolean> {
    if (this.connection) await this.person.run('disconnect')
    const connection = this.person.start(['connect', this.provider, '--json'])
    this.connection = connection
    const isConnected = () => logLines(connection, ({ event }) => event === 'connected').length > 0
    await connection.when(() => isConnected() || !connection.running, 'a connection', 240_000)
    return isConnected()
  }

  /** Waits until it has promised more and heard it confirmed; one whose connection ended meanwhile connects again. */
  async pays(): Promise<void> {
    await eventually('a payment', () => this.tryPaying(), 600_000)
  }

  private async tryPaying(): Promise<boolean> {
    await this.connect()
    const { connection } = this
    const spent = this.spent()
    const isPaid = () => this.spent() > spent && this.progress()?.latencyMs != null
    await connection?.when(() => isPaid() || !connection.running, 'a payment', 300_000)
    return isPaid()
  }

  /** What the session that runs has signed, as it says itself: asking would take a program each time. */
  private spent(): bigint {
    return BigInt(String(this.progress()?.spent ?? 0))
  }

  private progress(): LogLine | undefined {
    return this.connection && logLines(this.connection, ({ event }) => event === 'progress').at(-1)
  }
}
