import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { desktopOf, notify } from './desktop.js'

const busOf = (uid: number) => (path: string) => path === `/run/user/${uid}/bus`

it('finds the desktop of this user, and of the one behind sudo', () => {
  expect(desktopOf({ DISPLAY: ':0' }, 1_000, () => false)).toEqual({ env: { DISPLAY: ':0' } })
  expect(desktopOf({}, 1_000, busOf(1_000))?.env.DBUS_SESSION_BUS_ADDRESS).toBe(
    'unix:path=/run/user/1000/bus',
  )
  expect(desktopOf({ SUDO_UID: '1000', SUDO_GID: '100', HOME: '/root' }, 0, busOf(1_000))).toMatchObject({
    ...{ uid: 1_000, gid: 100 },
    env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus' },
  })
})

it('finds none on a server, nor for root alone', () => {
  expect(desktopOf({}, 0, () => false)).toBeUndefined()
  expect(desktopOf({ SUDO_UID: '1000', DISPLAY: ':0' }, 0, () => false)).toBeUndefined()
})

it('hands the words to notify-send as they are, and does without it where it is missing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pontage-desktop-'))
  try {
    const stand = join(folder, 'notify-send')
    await writeFile(stand, `#!/bin/sh\nprintf '%s\\n' "$@" > ${join(folder, 'said')}\n`)
    await chmod(stand, 0o755)
    await notify({ env: { PATH: `${folder}:${process.env.PATH}` } }, 'Nearly used up', '$(id) --help')
    expect(await readFile(join(folder, 'said'), 'utf8')).toBe(
      '--app-name=Pontage\n--\nNearly used up\n$(id) --help\n',
    )
    await notify({ env: { PATH: '/nonexistent' } }, 'Nobody', 'hears this')
  } finally {
    await rm(folder, { recursive: true })
  }
})
