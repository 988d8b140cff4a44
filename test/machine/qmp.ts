import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** A line of QEMU's: its greeting, news, or what became of a command. */
interface Reply {
  readonly QMP?: unknown
  readonly event?: string
  readonly return?: unknown
  readonly error?: { readonly desc: string }
}

/** QEMU's own control socket (the QEMU Machine Protocol): one command at a time. */
export class Qmp {
  private readonly waiting: ((reply: Reply) => void)[] = []

  private constructor(private readonly socket: Socket) {
    createInterface({ input: socket }).on('line', (line) => {
      const said = JSON.parse(line) as Reply
      if (said.QMP === undefined && said.event === undefined) this.waiting.shift()?.(said)
    })
    socket.on('error', () => {})
  }

  static async connect(path: string): Promise<Qmp> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const opening = connect(path)
      opening.once('connect', () => resolve(opening))
      opening.once('error', reject)
    })
    const qmp = new Qmp(socket)
    await qmp.execute('qmp_capabilities')
    return qmp
  }

  /** @throws Error with QEMU's own words when it refuses. */
  async execute<T>(command: string, words: Record<string, unknown> = {}): Promise<T> {
    const reply = new Promise<Reply>((resolve) => this.waiting.push(resolve))
    this.socket.write(`${JSON.stringify({ execute: command, arguments: words })}\n`)
    const { return: value, error } = await reply
    if (error !== undefined) throw new Error(`QEMU refused ${command}: ${error.desc}`)
    return value as T
  }

  close(): void {
    this.socket.destroy()
  }
}
