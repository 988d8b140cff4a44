import { chmod, chown, readFile, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { encodeMessage } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'

/** What may be asked of a running connection. */
export type ControlQuestion = 'status' | 'disconnect'

/** Where a running connection listens for those. */
export interface ControlPlace {
  readonly path: string
  /** Name of the group that may use it; left out: the group of the home folder. */
  readonly group: string | undefined
}

/** Linux takes no longer path for a socket. */
const maxPathLength = 107
const answerWithinMs = 45_000
const maxBytes = 65_536

/** The socket of a home folder, where no other is named. */
export const controlPath = (home: string): string => join(home, 'control.sock')

/**
 * Listens for questions: one JSON line in, one out. Whoever may write to the socket may ask; that is its owner, who is
 * the home folder's, and the group.
 *
 * @throws UserError when it cannot be made.
 */
export async function listenControl(
  home: string,
  { path, group }: ControlPlace,
  answer: (question: ControlQuestion) => Promise<object>,
): Promise<{ close(): Promise<void> }> {
  if (Buffer.byteLength(path) > maxPathLength)
    throw new UserError(`The path ${path} is too long for a socket. Give a shorter one with --control.`)
  const owner = await stat(home)
  const gid = group === undefined ? owner.gid : await groupId(group)
  await rm(path, { force: true })
  const server = createServer((socket) => serve(socket, answer))
  const before = process.umask(0o177)
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
  if (process.getuid?.() === 0) await chown(path, owner.uid, gid)
  await chmod(path, 0o660)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
      }),
  }
}

/**
 * Asks the connection that runs.
 *
 * @returns undefined when none listens there.
 * @throws UserError when it may not be asked, or does not answer.
 */
export function askControl<Answer extends object>(
  path: string,
  question: ControlQuestion,
): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    const fail = (sentence: string, cause?: Error) => {
      socket.destroy()
      reject(new UserError(sentence, { cause }))
    }
    let text = ''
    socket.setEncoding('utf8')
    socket.setTimeout(answerWithinMs, () => fail(`The connection behind ${path} does not answer.`))
    socket.on('connect', () => socket.write(`${JSON.stringify({ question })}\n`))
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('end', () => {
      try {
        const answer = JSON.parse(text) as Answer & { error?: string }
        if (answer.error === undefined) resolve(answer)
        else fail(answer.error)
      } catch (cause) {
        fail(`The connection behind ${path} ended before it answered.`, cause as Error)
      }
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR'].includes(error.code ?? '')) resolve(undefined)
      else if (error.code === 'EACCES')
        fail(`You are not allowed to use ${path}: you must be its owner or in its group, or use sudo.`, error)
      else fail(`The connection behind ${path} cannot be reached: ${error.message}.`, error)
    })
  })
}

function serve(socket: Socket, answer: (question: ControlQuestion) => Promise<object>): void {
  let text = ''
  let isAsked = false
  socket.setEncoding('utf8')
  socket.on('error', () => {})
  socket.on('data', (chunk: string) => {
    text += chunk
    if (text.length > maxBytes) socket.destroy()
    if (isAsked || !text.includes('\n')) return
    isAsked = true
    asked(text)
      .then(answer)
      .catch((error: Error) => ({ error: error.message }))
      .then((reply) => socket.end(`${encodeMessage(reply)}\n`))
      .catch(() => socket.destroy())
  })
}

async function asked(line: string): Promise<ControlQuestion> {
  const { question } = JSON.parse(line) as { question?: unknown }
  if (question === 'status' || question === 'disconnect') return question
  throw new UserError('The only requests here are "status" and "disconnect".')
}

async function groupId(name: string): Promise<number> {
  const lines = (await readFile('/etc/group', 'utf8')).split('\n').map((line) => line.split(':'))
  const found = lines.find(([group, , gid]) => group === name || gid === name)?.[2]
  if (found === undefined) throw new UserError(`There is no group "${name}". Check --control-group.`)
  return Number(found)
}
