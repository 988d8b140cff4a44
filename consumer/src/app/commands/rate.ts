import { printJson, wholeNumber } from '@pontage/shared/node'
import { rate } from '../channel/deliverReceipts.js'
import { withJournal } from './journalled.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

export const rateCommand = command<Settings & { session: number; score: number; json: boolean }>({
  command: 'rate <session> <score>',
  describe: 'Rate a session in the history from 1 (useless) to 5; the signed receipt goes to the hub',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('session', {
        type: 'number',
        demandOption: true,
        describe: 'Number of the session in the history',
      })
      .positional('score', { type: 'number', demandOption: true, describe: '1 to 5' }),
  handler: (argv) =>
    withJournal(argv, async (context, journal) => {
      const session = wholeNumber('SESSION', argv.session, 1)
      const score = wholeNumber('SCORE', argv.score, 1, 5)
      const { receipt, delivered } = await rate(context, journal, session, score)
      if (argv.json) return printJson({ session, delivered, receipt })
      printLine(
        delivered
          ? `Rated session ${session} with ${score} of 5; the hub has it.`
          : `Rated session ${session} with ${score} of 5; it is sent when you next talk to the hub.`,
      )
    }),
})
