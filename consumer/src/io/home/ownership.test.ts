import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { controlOwner } from './ownership.js'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-owner-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

it('lets the owner of the home folder and its group, or a named one, ask a connection', async () => {
  const { uid, gid } = await stat(home)
  expect(await controlOwner(home, undefined)).toEqual({ uid, gid })
  expect(await controlOwner(home, 'root')).toEqual({ uid, gid: 0 })
  expect(await controlOwner(home, '0')).toEqual({ uid, gid: 0 })
  await expect(controlOwner(home, 'nobody-knows-it')).rejects.toThrow(/no group/)
})
