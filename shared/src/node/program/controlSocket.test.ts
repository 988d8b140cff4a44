import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askControl, type ControlHandlers, controlPath, listenControl, NoAnswer } from './controlSocket.js'
import { UserError } from './userError.js'

let home = ''
let path = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-control-'))
  path = controlPath(home)
})
afterEach(() => rm(home, { recursive: true, force: true }))

const handlers: ControlHandlers = {
  double: async ({ value }) => ({ doubled: 2n * BigInt(Number(value)) }),
  nothing: async () => undefined,
  refuse: async () => {
    throw new UserError('Not today.')
  },
}

/** What is answered in the end. */
async function eventually<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (const giveUpAt = Date.now() + 20_000; ; )
    try {
      return await ask()
    } catch (error) {
      if (Date.now() > giveUpAt) throw error
    }
}

/** What comes back for raw text. */
const rawAnswer = (text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = ''
    const socket = connect(path, () => socket.write(text))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })

describe('the control socket', () => {
  it('answers what it is asked, and says in a sentence what it refuses', async () => {
    const control = await listenControl({ path }, handlers)
    expect(await askControl(path, { type: 'double', value: 21 })).toEqual({ doubled: '42' })
    expect(await askControl(path, { type: 'nothing' })).toBeNull()
    await expect(askControl(path, { type: 'refuse' })).rejects.toThrow(/^Not today\.$/)
    await expect(askControl(path, { type: 'dance' })).rejects.toThrow(/does not know "dance"/)
    await expect(askControl(path, { type: 'toString' })).rejects.toThrow(/does not know "toString"/)
    await control.close()
  })

  it('is open to its own user, or to the owner and group that it is given', async () => {
    const own = await listenControl({ path }, handlers)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await own.close()
    const { uid, gid } = await stat(home)
    const shared = await listenControl({ path, owner: { uid, gid } }, handlers)
    expect((await stat(path)).mode & 0o777).toBe(0o660)
    await shared.close()
  })

  it('is not there before it began and after it ended, nor where a killed program left a file', async () => {
    const ask = () => askControl(path, { type: 'nothing' })
    expect(await ask()).toBeUndefined()
    await writeFile(path, '')
    expect(await ask()).toBeUndefined()
    const control = await listenControl({ path }, handlers)
    expect(await ask()).toBeNull()
    await control.close()
    expect(await ask()).toBeUndefined()
  })

  it('answers what is no request with the form of one, and hangs up on a line without end', async () => {
    const control = await listenControl({ path }, handlers)
    for (const text of ['status', '{"question":"status"}', 'null', '[]'])
      expect(JSON.parse(await rawAnswer(`${text}\n`)).message).toMatch(/one JSON object on one line/)
    expect(await rawAnswer('x'.repeat(5_000))).toBe('')
    await control.close()
  })

  it('ends though somebody is connected who never asks, and gives the last answer before', async () => {
    let finish = () => {}
    const finished = new Promise<string>((resolve) => {
      finish = () => resolve('done')
    })
    let isAsked = () => {}
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve
    })
    const wait = () => {
      isAsked()
      return finished
    }
    const control = await listenControl({ path }, { wait })
    const silent = connect(path)
    const left = new Promise((resolve) => silent.on('close', resolve))
    const answer = askControl(path, { type: 'wait' })
    await asked
    const closed = control.close()
    finish()
    expect(await answer).toBe('done')
    await Promise.all([closed, left])
  })

  it('lets go of whoever does not hang up, so that others may ask', { timeout: 30_000 }, async () => {
    const control = await listenControl({ path }, handlers)
    const stubborn = Array.from({ length: 70 }, () => {
      const socket = connect({ path, allowHalfOpen: true }, () => socket.write('{"type":"nothing"}\n'))
      socket.on('error', () => undefined)
      return socket
    })
    await expect(Promise.all(stubborn.map((socket) => once(socket.resume(), 'end')))).resolves.toHaveLength(
      70,
    )
    expect(await eventually(() => askControl(path, { type: 'double', value: 1 }))).toEqual({ doubled: '2' })
    for (const socket of stubborn) socket.destroy()
    await control.close()
  })

  it('tells a program that ends before it answers from one that is not there', async () => {
    const server = createServer((socket) => socket.on('data', () => socket.destroy()))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    await expect(askControl(path, { type: 'status' })).rejects.toThrow(NoAnswer)
    await new Promise((resolve) => server.close(resolve))
  })

  it('is not made, or looked for, where no socket can have such a path', async () => {
    const long = join(home, 'x'.repeat(120))
    await expect(listenControl({ path: long }, handlers)).rejects.toThrow(/too long/)
    await expect(askControl(long, { type: 'status' })).rejects.toThrow(/too long/)
  })
})
