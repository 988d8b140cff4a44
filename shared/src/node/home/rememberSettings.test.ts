import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readConfiguration } from '../program/configuration.js'
import { rememberSettings, withSetting } from './rememberSettings.js'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-remember-'))
})
afterEach(() => rm(home, { recursive: true }))

it('writes what was learned where later commands read it, and leaves the rest as it stands', async () => {
  const path = join(home, 'config.yaml')
  await writeFile(
    path,
    '# mine\n\n# Price of traffic\n# price:\n\nrpc: http://x\nhub:\n  - "0x0a"\n  - 0x0b\n',
  )
  await rememberSettings(home, { price: '0.10/GB', tls: true, hub: ['0x0c'], 'wireguard-port': 51_821 })
  expect(readConfiguration(home)).toEqual({
    ...{ price: '0.10/GB', rpc: 'http://x', hub: ['0x0c'] },
    ...{ tls: 'true', 'wireguard-port': '51821' },
  })
  const text = await readFile(path, 'utf8')
  expect(text).toContain('# mine\n')
  expect(text).toContain('# Price of traffic\nprice: "0.10/GB"\n')
  await rememberSettings(home, { price: '0.2/GB', tls: undefined })
  expect(readConfiguration(home)).toMatchObject({ price: '0.2/GB', rpc: 'http://x' })
  expect(readConfiguration(home)).not.toHaveProperty('tls')
})

it('begins a configuration where there is none', async () => {
  await rememberSettings(home, { country: 'DE', missing: undefined })
  expect(readConfiguration(home)).toEqual({ country: 'DE' })
})

it('takes the last setting out, and no line of another name', () => {
  expect(withSetting('# b\na: 1\n', 'a', undefined)).toBe('# b\n')
  expect(withSetting('{a: 1}\n', 'b', '2')).toBe('{ a: 1, b: 2 }\n')
  expect(withSetting('# time-price: 0/h\n', 'price', '1/GB')).toBe('# time-price: 0/h\nprice: "1/GB"\n')
})

it.runIf(process.getuid?.() === 0)('leaves what root writes to the owner of the home', async () => {
  await chown(home, 65_534, 65_534)
  await rememberSettings(home, { price: '0.10/GB' })
  expect(await stat(join(home, 'config.yaml'))).toMatchObject({ uid: 65_534, gid: 65_534 })
})
