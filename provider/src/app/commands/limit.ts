import { type CommonOptions, type Given, printJson, printLines } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { askRunning } from '../../io/link/askRunning.js'

const flags = {
  total: { type: 'string', requiresArg: true, describe: 'Limit for all sessions together: 50Mbit, or none' },
  session: { type: 'string', requiresArg: true, describe: 'Limit for each session: 10Mbit, or none' },
} as const

/** Shows how fast consumers may be, and changes it while they are connected. */
export const limitCommand: CommandModule<CommonOptions, CommonOptions & Given<typeof flags>> = {
  command: 'limit',
  describe: 'Show the speed limits, or change them at once',
  builder: flags,
  async handler({ home, total, session, json }) {
    const limits = await askRunning<{ total: string; session: string }>(home, {
      type: 'limit',
      ...(total === undefined ? {} : { total }),
      ...(session === undefined ? {} : { session }),
    })
    if (json) return printJson(limits)
    printLines(`All sessions together: ${limits.total}. Each session: ${limits.session}.`)
    if (total !== undefined || session !== undefined)
      printLines('To keep them after a restart, put total-limit and session-limit into config.yaml.')
  },
}
