import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askControl, controlPath, listenControl } from './controlSocket.js'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-control-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const place = () => ({ path: controlPath(home), group: undefined })

describe('the control socket', () => {
  it('answers what it is asked, is open to owner and group alone, and leaves nothing when closed', async () => {
    const control = await listenControl(home, place(), async (question) => ({ question, spent: 12n }))
    expect((await stat(controlPath(home))).mode & 0o777).toBe(0o660)
    expect(await askControl(controlPath(home), 'status')).toEqual({ question: 'status', spent: '12' })
    await control.close()
    expect(await askControl(controlPath(home), 'status')).toBeUndefined()
  })

  it('takes the place of one that a killed program left', async () => {
    await writeFile(controlPath(home), '')
    expect(await askControl(controlPath(home), 'status')).toBeUndefined()
    const control = await listenControl(home, place(), async () => ({ ok: true }))
    expect(await askControl(controlPath(home), 'disconnect')).toEqual({ ok: true })
    await control.close()
  })

  it('hands on why something could not be done', async () => {
    const control = await listenControl(home, place(), async () => {
      throw new Error('The disk is full.')
    })
    await expect(askControl(controlPath(home), 'disconnect')).rejects.toThrow('The disk is full.')
    await control.close()
  })

  it('is not made where no socket can have such a path, or no such group is known', async () => {
    const long = { path: join(home, 'x'.repeat(120)), group: undefined }
    await expect(listenControl(home, long, async () => ({}))).rejects.toThrow(/too long/)
    const foreign = { path: controlPath(home), group: 'nobody-knows-it' }
    await expect(listenControl(home, foreign, async () => ({}))).rejects.toThrow(/no group/)
  })
})
