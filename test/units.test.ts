import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const folderOf = (role: string) => new URL(`../${role}/systemd/`, import.meta.url)
const units = ['consumer', 'provider', 'hub'].flatMap((role) =>
  readdirSync(folderOf(role)).map((name) => ({
    role,
    name,
    text: readFileSync(new URL(name, folderOf(role)), 'utf8'),
  })),
)
const unit = units.find(({ name }) => name === 'pontage-provider.service')?.text ?? ''

/** What the unit runs once the provider has ended in this way, as systemd names it. */
function afterwards(result: string): string {
  const command = /^ExecStopPost=-(.*)$/m.exec(unit)?.[1] ?? ''
  return execFileSync('/bin/sh', ['-c', command.replaceAll('exec /usr/bin/pontage-provider', 'echo')], {
    encoding: 'utf8',
    env: { SERVICE_RESULT: result, STATE_DIRECTORY: '/var/lib/pontage-provider' },
  }).trim()
}

it('leaves the sessions of a provider that crashed to its restart, and undoes what a stop left', () => {
  for (const result of ['signal', 'core-dump', 'exit-code', 'watchdog', 'oom-kill'])
    expect(afterwards(result), result).toBe('')
  for (const result of ['success', 'timeout'])
    expect(afterwards(result), result).toBe('down --home /var/lib/pontage-provider')
})

it('gives no folder in /run to the services of two roles: the one that starts last would set its modes', () => {
  const claims = units.flatMap(({ role, text }) =>
    (/^RuntimeDirectory=(.*)$/m.exec(text)?.[1] ?? '')
      .split(' ')
      .flatMap((folder) => (folder ? [{ role, folder }] : [])),
  )
  const rolesOf = (folder: string) =>
    new Set(claims.filter((each) => each.folder === folder).map(({ role }) => role))
  expect(claims.filter(({ folder }) => rolesOf(folder).size > 1)).toEqual([])
})

it('tells no program to end because the kernel took the memory of another of its unit', () => {
  for (const { name, text } of units) expect(text, name).toMatch(/^OOMPolicy=continue$/m)
})
