import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Log, UserError } from '@pontage/shared/node'

/** A question to the running program: its name, and what it needs. */
export interface ControlRequest {
  readonly type: string
  readonly [field: string]: unknown
}

/** What comes back. `message` is a sentence for whoever typed the command. */
export type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string }

const pathIn = (home: string): string => join(home, 'control.sock')
/** Longest line that is read: a question is short. */
const maxLineLength = 4_096
const answerWithinMs = 30_000

/** Answers, by type of question. What one throws is told as a sentence. */
export type ControlHandlers = Readonly<Record<string, (request: ControlRequest) => Promise<unknown>>>

/** Listens for the owner's commands, one JSON object a line each way; only the owner of the home may connect. */
export async function listenControl(
  home: string,
  handlers: ControlHandlers,
  log: Log,
): Promise<{ close(): Promise<void> }> {
  const path = pathIn(home)
  // Whoever has the lock on the home may remove what a crash left.
  await rm(path, { force: true })
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', (error) => log.debug('a control connection failed', { reason: error.message }))
    void converse(socket, handlers)
  })
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } catch (cause) {
    throw new UserError(
      `The control socket cannot be created at ${path}: ${(cause as Error).message}. Choose a shorter --home.`,
      { cause },
    )
  } finally {
    process.umask(mask)
  }
  await chmod(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

async function converse(socket: Socket, handlers: ControlHandlers): Promise<void> {
  const lines = createInterface({ input: socket })
  lines.on('error', () => undefined)
  for await (const line of lines) {
    if (line.length > maxLineLength) return void socket.destroy()
    socket.write(`${encode(await answered(line, handlers))}\n`)
  }
}

async function answered(line: string, handlers: ControlHandlers): Promise<ControlAnswer> {
  try {
    const request = JSON.parse(line) as ControlRequest
    if (!Object.hasOwn(handlers, request.type))
      throw new Error(
        `The running program does not know "${request.type}". Restart it with the current version.`,
      )
    return { ok: true, value: await handlers[request.type]?.(request) }
  } catch (error) {
    return { ok: false, message: (error as Error).message }
  }
}

/**
 * Asks the program that runs on a home.
 *
 * @throws UserError when none runs there, or with its own sentence when it refuses.
 */
export async function askRunning<Value>(home: string, request: ControlRequest): Promise<Value> {
  const socket = connect(pathIn(home))
  try {
    const line = await new Promise<string>((resolve, reject) => {
      socket.setTimeout(answerWithinMs, () => reject(new Error('no answer in time')))
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('the connection ended')))
      socket.once('connect', () => socket.write(`${encode(request)}\n`))
      // It repeats the socket's error, which nobody may leave unheard.
      createInterface({ input: socket }).once('line', resolve).on('error', reject)
    })
    const answer = JSON.parse(line) as ControlAnswer
    if (!answer.ok) throw new UserError(answer.message)
    return answer.value as Value
  } catch (cause) {
    if (cause instanceof UserError) throw cause
    throw new UserError(
      `No pontage-provider answers on ${home}: ${(cause as Error).message}. Is it running, and are you its user?`,
      { cause },
    )
  } finally {
    socket.destroy()
  }
}

const encode = (value: object): string =>
  JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? each.toString() : each))
