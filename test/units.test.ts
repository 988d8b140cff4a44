import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const unit = readFileSync(new URL('../provider/systemd/pontage-provider.service', import.meta.url), 'utf8')

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
