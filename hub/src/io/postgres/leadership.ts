import pg from 'pg'
import { clientOptions, joinVersion, noticeDeath } from './connection.js'

/** Milliseconds that a look at the lock holds good: as long as the connection stands, the server keeps it. */
const provenMs = 500
const answerTimeoutMs = 3_000
/**
 * A holder says every few seconds that it lives. One that hangs keeps its connection, since the system answers for it;
 * the server ends a connection on which nobody says anything for longer than the lease, and the lock with it.
 */
const heartbeatMs = 2_000
const lease = '10s'
/** Milliseconds that whoever stood down leaves to the others. */
const standDownMs = 15_000
/**
 * Which of the processes on one database writes to the chain: the one whose connection holds a lock of the server. The
 * lock goes with the connection, however that ends.
 */
export class Leadership {
  readonly #url: string
  #client: pg.Client | undefined
  #provenAt = 0
  #asking: Promise<boolean> | undefined
  #notBefore = 0
  readonly #heartbeat: NodeJS.Timeout

  constructor(url: string) {
    this.#url = url
    this.#heartbeat = setInterval(() => {
      if (this.#provenAt > 0) void this.leads()
    }, heartbeatMs)
    this.#heartbeat.unref()
  }

  /** Gives the lock up, and does not ask for it for a while: for a holder that cannot reach the chain. */
  standDown(): void {
    this.#notBefore = performance.now() + standDownMs
    this.#lose()
  }

  /** Whether this process holds the lock now; takes it where it is free. */
  leads(): Promise<boolean> {
    if (performance.now() < this.#notBefore) return Promise.resolve(false)
    if (this.#provenAt > 0 && performance.now() - this.#provenAt < provenMs) return Promise.resolve(true)
    this.#asking ??= this.#ask()
      .catch(() => this.#lose())
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat)
    await this.#asking
    const client = this.#client
    this.#lose()
    await client?.end().catch(() => undefined)
  }

  async #ask(): Promise<boolean> {
    const client = await this.#connected()
    const asked = performance.now()
    // Of a lock that is held already nothing is to be asked but whether its connection stands.
    const { rows } =
      this.#provenAt > 0
        ? await client.query('SELECT true AS held')
        : await client.query("SELECT pg_try_advisory_lock(hashtext('pontage: writes to the chain')) AS held")
    if (this.#client !== client) return false
    this.#provenAt = rows[0].held ? asked : 0
    return rows[0].held
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client) return this.#client
    const options = clientOptions(this.#url)
    const client = new pg.Client({
      ...options,
      query_timeout: answerTimeoutMs,
      connectionTimeoutMillis: answerTimeoutMs,
      options: noticeDeath,
    })
    const lost = () => {
      if (this.#client === client) this.#lose()
    }
    client.on('error', lost)
    client.on('end', lost)
    try {
      await client.connect()
      await client.query(`SET idle_session_timeout = '${lease}'`)
      await joinVersion(client)
    } catch (error) {
      void client.end().catch(() => undefined)
      throw error
    }
    this.#client = client
    return client
  }

  #lose(): false {
    const client = this.#client
    this.#client = undefined
    this.#provenAt = 0
    void client?.end().catch(() => undefined)
    return false
  }
}
