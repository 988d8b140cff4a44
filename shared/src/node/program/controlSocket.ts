import { readFileSync, statSync } from 'node:fs'
import { lchown, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { decodeObject, encodeMessage } from '../../wire.js'
import { UserError } from './userError.js'

/** A request to the running program: its type, and what it needs. */
export interface ControlRequest {
  readonly type: string
  readonly [field: string]: unknown
}

/** Answers, by type of request. What one throws is told to the asker as a sentence. */
export type ControlHandlers = Readonly<Record<string, (request: ControlRequest) => Promise<unknown>>>

type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string }

/** Where a running program listens, and for whom. */
export interface ControlPlace {
  readonly path: string
  /** User and group, by number, that may ask; left out: only the user that the program runs as. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/** The program behind a socket hangs, or ended before it answered. */
export class NoAnswer extends UserError {}

/** Linux takes no longer path for a socket. */
const maxPathBytes = 107
/** Longest request that is read. */
const maxRequestLength = 4_096
const answerWithinMs = 45_000
/** Longest time from connecting to a whole request. */
const askWithinMs = 10_000
/** Longest time to take the answer and hang up. */
const leaveWithinMs = 2_000
/** Connections at a time: whoever comes beyond that is turned away. */
const maxAskers = 64
/** How long a program that ends waits for answers that are on their way. */
const lastAnswersWithinMs = 2_000

/** The socket of a home folder, where no other is named. */
export const controlPath = (home: string): string => join(home, 'control.sock')

/**
 * Listens for requests: one JSON line in (`{type, …}`), one out (`{ok: true, value}` or `{ok: false, message}`), and
 * the connection ends. Takes the place of a socket that a killed program left: the caller has the lock on the home.
 *
 * @throws UserError when it cannot be created.
 */
export async function listenControl(
  { path, owner }: ControlPlace,
  handlers: ControlHandlers,
): Promise<{ close(): Promise<void> }> {
  requireShort(path)
  await rm(path, { force: true })
  const open = new Map<Socket, { isAsked: boolean }>()
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    if (open.size >= maxAskers) {
      socket.end(`${encodeMessage({ ok: false, message: 'Too many ask at once. Try again.' })}\n`)
      socket.resume()
      const timer = setTimeout(() => socket.destroy(), leaveWithinMs)
      socket.on('close', () => clearTimeout(timer))
      return
    }
    const state = { isAsked: false }
    open.set(socket, state)
    let timer = setTimeout(() => socket.destroy(), askWithinMs)
    socket.on('close', () => {
      clearTimeout(timer)
      open.delete(socket)
    })
    readLine(socket, maxRequestLength, (line) => {
      clearTimeout(timer)
      state.isAsked = true
      answered(line, handlers)
        .then((answer) => {
          socket.end(`${encodeMessage(answer)}\n`)
          // Whoever does not hang up would keep others from asking.
          timer = setTimeout(() => socket.destroy(), leaveWithinMs)
        })
        .catch(() => socket.destroy())
    })
  })
  // With its rights from the start, and given away without following a link that took its place meanwhile.
  const before = process.umask(owner ? 0o117 : 0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } catch (cause) {
    throw new UserError(`The socket cannot be created at ${path}: ${(cause as Error).message}.`, { cause })
  } finally {
    process.umask(before)
  }
  if (owner && process.getuid?.() === 0) await lchown(path, owner.uid, owner.gid)
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const [socket, { isAsked }] of open) if (!isAsked) socket.destroy()
      const timer = setTimeout(() => {
        for (const socket of open.keys()) socket.destroy()
      }, lastAnswersWithinMs)
      await closed.finally(() => clearTimeout(timer))
    },
  }
}

/**
 * Asks the program that listens.
 *
 * @param withinMs - How long it may take to answer.
 * @returns What it answers; undefined when nobody listens there.
 * @throws UserError with its own sentence when it refuses, or when it may not be asked.
 * @throws NoAnswer when it does not answer.
 */
export async function askControl<Value>(
  path: string,
  request: ControlRequest,
  withinMs = answerWithinMs,
): Promise<Value | undefined> {
  requireShort(path)
  return await new Promise((resolve, reject) => {
    const socket = connect(path)
    const fail = (error: UserError) => {
      socket.destroy()
      reject(error)
    }
    const ended = (cause?: Error) =>
      fail(new NoAnswer(`The program behind ${path} ended before it answered.`, { cause }))
    socket.setTimeout(withinMs, () =>
      fail(new NoAnswer(`The program behind ${path} does not answer within ${withinMs / 1_000} s.`)),
    )
    socket.on('connect', () => socket.write(`${encodeMessage(request)}\n`))
    readLine(socket, Number.POSITIVE_INFINITY, (line) => {
      const answer = answerIn(line)
      if (answer === undefined) return ended()
      if (!answer.ok) return fail(new UserError(answer.message))
      socket.destroy()
      resolve(answer.value as Value)
    })
    socket.on('close', () => ended())
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (nobodyListens.includes(error.code ?? '')) resolve(undefined)
      else if (error.code === 'EACCES')
        fail(
          new UserError(`You are not allowed to use ${path}: ${whoMay(path)}, or use sudo.`, {
            cause: error,
          }),
        )
      else ended(error)
    })
  })
}

/** Who may use a socket, as its rights and the list of groups say. */
function whoMay(path: string): string {
  try {
    const { gid, mode } = statSync(path)
    const lines = readFileSync('/etc/group', 'utf8').split('\n')
    const [group] = lines.map((line) => line.split(':')).find(([, , id]) => Number(id) === gid) ?? []
    if ((mode & 0o020) !== 0 && group !== undefined && gid !== 0)
      return `members of the group ${group} may (sudo usermod --append --groups ${group} "$USER", then log in again)`
  } catch {
    // Said without the group.
  }
  return 'ask as its owner'
}

const nobodyListens = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR']

function requireShort(path: string): void {
  if (Buffer.byteLength(path) > maxPathBytes)
    throw new UserError(
      `The path ${path} is too long for a socket: at most ${maxPathBytes} bytes are possible. Choose a shorter one.`,
    )
}

/** Hands on the first line, and ends a connection that sends a longer one. */
function readLine(socket: Socket, maxLength: number, onLine: (line: string) => void): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', function read(chunk: string) {
    text += chunk
    const end = text.indexOf('\n')
    if (end < 0 && text.length <= maxLength) return
    socket.off('data', read)
    socket.resume()
    if (end < 0 || end > maxLength) socket.destroy()
    else onLine(text.slice(0, end))
  })
}

async function answered(line: string, handlers: ControlHandlers): Promise<ControlAnswer> {
  try {
    const request = parsed(line)
    const handler = Object.hasOwn(handlers, request.type) ? handlers[request.type] : undefined
    if (handler === undefined)
      throw new UserError(
        `The running program does not know "${request.type}". Restart it with the current version.`,
      )
    return { ok: true, value: (await handler(request)) ?? null }
  } catch (error) {
    return { ok: false, message: (error as Error).message }
  }
}

/** Whatever listens there, it may be none of our programs. */
function answerIn(line: string): ControlAnswer | undefined {
  const answer = decodeObject(line)
  return typeof answer?.ok === 'boolean' ? (answer as unknown as ControlAnswer) : undefined
}

function parsed(line: string): ControlRequest {
  const request = decodeObject(line)
  if (typeof request?.type === 'string') return { ...request, type: request.type }
  throw new UserError('A request is one JSON object on one line, such as {"type":"status"}.')
}
