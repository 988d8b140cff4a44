import { exitCode, printJson } from '@pontage/shared/node'
import { examine } from '../connect/doctor.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const marks = { ok: 'ok  ', note: 'note', bad: 'BAD ' } as const

export const doctorCommand = command<Settings & { json: boolean }>({
  command: 'doctor',
  describe:
    'Check everything that a connection needs, and say what to fix; exits with 1 if something is wrong',
  builder: (yargs) => withSettings(yargs),
  async handler(argv) {
    const findings = await examine(argv)
    const ok = findings.every(({ verdict }) => verdict !== 'bad')
    if (argv.json) printJson({ ok, checks: findings })
    else for (const { about, verdict, says } of findings) printLine(`${marks[verdict]}  ${about}: ${says}`)
    if (!ok) process.exitCode = exitCode.failed
  },
})
