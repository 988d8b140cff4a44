import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** What a command in the machine printed, and how it ended. */
export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The way into a machine that runs: commands go over a virtio port, which is no network. */
export class Agent {
  private asked = 0
  private readonly waiting = new Map<number, { done(answer: Answer): void; failed(error: Error): void }>()
  private isReady: () => void = () => {}
  /** Resolves when the machine has booted as far as taking commands. */
  readonly ready = new Promise<void>((resolve) => {
    this.isReady = resolve
  })

  constructor(private readonly socket: Socket) {
    createInterface({ input: socket }).on('line', (line) => this.heard(line))
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const { failed } of this.waiting.values()) failed(new Error('The machine is off.'))
      this.waiting.clear()
    })
  }

  static connect(path: string): Promise<Agent> {
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      socket.once('connect', () => resolve(new Agent(socket)))
      socket.once('error', reject)
    })
  }

  /** Runs a script with bash as root. @throws Error when it takes longer, or the machine goes off meanwhile. */
  async run(script: string, timeoutMs: number): Promise<Answer> {
    this.asked += 1
    const number = this.asked
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Answer>((done, failed) => {
        if (this.socket.destroyed) return failed(new Error('The machine is off.'))
        this.waiting.set(number, { done, failed })
        timer = setTimeout(
          () => failed(new Error(`The machine did not finish within ${timeoutMs} ms: ${script}`)),
          timeoutMs,
        )
        this.socket.write(`${number} ${Buffer.from(script).toString('base64')}\n`)
      })
    } finally {
      clearTimeout(timer)
      this.waiting.delete(number)
    }
  }

  close(): void {
    this.socket.destroy()
  }

  private heard(line: string): void {
    if (line === 'ready') this.isReady()
    const [, number, code, stdout = '', stderr = ''] = /^(\d+) (\d+) o:(\S*) e:(\S*)$/.exec(line) ?? []
    const text = (base64: string) => Buffer.from(base64, 'base64').toString('utf8')
    this.waiting.get(Number(number))?.done({ code: Number(code), stdout: text(stdout), stderr: text(stderr) })
  }
}
