import { type CommonOptions, printJson, printLines } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { askRunning } from '../../io/link/askRunning.js'

/** Ends sessions at once. */
export const kickCommand: CommandModule<CommonOptions, CommonOptions & { who: string }> = {
  command: 'kick <who>',
  describe: 'End a session, or all sessions of an identity; what was promised is kept',
  builder: (parser) =>
    parser.positional('who', { type: 'string', demandOption: true, describe: 'SESSION or IDENTITY' }),
  async handler({ home, who, json }) {
    const ended = await askRunning<string[]>(home, { type: 'kick', who })
    if (json) return printJson({ ended })
    for (const session of ended) printLines(`Session ${session} has ended.`)
  },
}
