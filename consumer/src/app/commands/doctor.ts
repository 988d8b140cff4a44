import { exitCode, printJson } from '@pontage/shared/node'
import { examine } from '../connect/doctor.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const marks = { ok: 'ok  ', note: 'note', bad: 'BAD ' } as const

export const doctorCommand = command<Settings & { json: boolean }>({
  command: 'doctor',
  describe:
    'Check everything that a connection needs, and say what to fix; exits with 1 if something is wrong',
  builder: (yargs) =>
    withSettings(yargs).option('json', { type: 'boolean', default: false, describe: 'Print one JSON array' }),
  async handler(argv) {
    const findings = await examine(argv)
    if (argv.json) printJson(findings)
    else for (const { about, verdict, says } of findings) printLine(`${marks[verdict]}  ${about}: ${says}`)
    if (findings.some(({ verdict }) => verdict === 'bad')) process.exitCode = exitCode.failed
  },
})
