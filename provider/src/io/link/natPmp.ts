import { createSocket } from 'node:dgram'

// NAT-PMP, RFC 6886: a question of two or twelve bytes to the router, and its answer. By hand, because a mapping has to
// be given back, and renewed by the lifetime that the router gave.

const serverPort = 5_351
/** Pauses, in milliseconds, before a question is asked again: the RFC's, cut short. */
const askAgainMs = [250, 500, 1_000, 2_000]

const opcodes = { externalAddress: 0, udp: 1, tcp: 2 } as const
const problems: Readonly<Record<number, string>> = {
  1: 'it speaks another version',
  2: 'it refuses: port mapping is switched off',
  3: 'it has no address itself',
  4: 'it has no ports left',
  5: 'it does not know the request',
}

/**
 * Asks a router to hand on a port; a lifetime of zero takes a mapping back.
 *
 * @returns The port on the outside, and for how many seconds.
 * @throws Error when it does not answer, or refuses.
 */
export async function requestMapping(
  router: string,
  transport: 'tcp' | 'udp',
  ports: { readonly inside: number; readonly outside: number },
  lifetimeSeconds: number,
): Promise<{ outside: number; lifetimeSeconds: number }> {
  const question = Buffer.alloc(12)
  question.writeUInt8(opcodes[transport], 1)
  question.writeUInt16BE(ports.inside, 4)
  question.writeUInt16BE(lifetimeSeconds === 0 ? 0 : ports.outside, 6)
  question.writeUInt32BE(lifetimeSeconds, 8)
  const answer = await ask(router, question, 16)
  return { outside: answer.readUInt16BE(10), lifetimeSeconds: answer.readUInt32BE(12) }
}

/** The router's own IPv4 address on the outside. @throws Error as {@link requestMapping}. */
export async function requestExternalAddress(router: string): Promise<string> {
  return [...(await ask(router, Buffer.alloc(2), 12)).subarray(8, 12)].join('.')
}

async function ask(router: string, question: Buffer, length: number): Promise<Buffer> {
  const socket = createSocket('udp4')
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const opcode = question.readUInt8(1)
      const answers = (message: Buffer): boolean =>
        message.length >= 8 && message.readUInt8(0) === 0 && message.readUInt8(1) === opcode + 128
      socket.on('error', reject)
      // Connected, so that nobody else's packets come in and a closed port is told at once.
      socket.connect(serverPort, router, () => {
        socket.on('message', (message) => {
          if (!answers(message)) return
          const result = message.readUInt16BE(2)
          if (result !== 0) reject(new Error(`${router}: ${problems[result] ?? `result ${result}`}`))
          else if (message.length < length) reject(new Error(`${router} answered with too few bytes`))
          else resolve(message)
        })
        send(0)
      })
      const send = (attempt: number) => {
        const pause = askAgainMs[attempt]
        if (pause === undefined) return reject(new Error(`${router} does not answer`))
        socket.send(question)
        timer = setTimeout(() => send(attempt + 1), pause)
      }
    })
  } finally {
    clearTimeout(timer)
    socket.close()
  }
}
